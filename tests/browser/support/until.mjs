// Waiting for a condition instead of for a time.

/** How long anything may take on a slow machine before it counts as never. */
export const PATIENCE_MS = 15_000;

/**
 * Asks again and again until it throws nothing, and gives what it returned; after PATIENCE_MS, what it
 * threw last.
 */
export async function until(look, patienceMs = PATIENCE_MS) {
  for (const start = performance.now(); ; ) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() - start > patienceMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
