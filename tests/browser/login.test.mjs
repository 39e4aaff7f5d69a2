// Coming in and going out.

import assert from 'node:assert/strict';

import { languages } from '../../src/web/text.js';
import { story } from './support/story.mjs';

story('a name that nobody may have, and no name, are said at the field', {}, async (stage) => {
  const ana = await stage.visit();
  const { page, t } = ana;
  const enter = page.getByRole('button', { name: t.enter, exact: true });
  await enter.click();
  await page.getByRole('alert').filter({ hasText: t.nameMissing }).waitFor();
  await page.getByLabel(t.yourName).fill('a/b');
  await enter.click();
  await page.getByRole('alert').filter({ hasNotText: t.nameMissing }).waitFor();
  const field = page.getByLabel(t.yourName);
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  // It is said by what describes the field, for whoever hears it.
  const below = await field.evaluate((input) => document.getElementById(input.getAttribute('aria-describedby')).innerText);
  assert.match(below, /nome/i);
  await ana.login('ana');
});

story('a name with a password is entered from another device with it alone', {}, async (stage) => {
  const ana = await stage.enter('ana');
  await setPassword(ana, 'um segredo meu');
  const other = await stage.visit();
  const { page, t } = other;
  await page.getByLabel(t.yourName).fill('ana');
  await page.getByRole('button', { name: t.enter, exact: true }).click();
  await page.getByText(t.passwordNeeded).waitFor();
  await other.passwordField().fill('um palpite');
  await page.getByRole('button', { name: t.enter, exact: true }).click();
  await page.getByRole('alert').filter({ hasNotText: t.passwordNeeded }).waitFor();
  await other.login('ana', 'um segredo meu');

  // Both are her: what she writes here stands there too.
  (await stage.peer('bia')).close();
  await ana.begin('bia');
  await other.begin('bia');
  await ana.say('de um aparelho');
  await other.sees('de um aparelho');
  await other.page.reload();
  await other.sees('de um aparelho');

  // Out here, still in there.
  const leaving = await other.settings();
  await leaving.getByRole('button', { name: t.logout, exact: true }).click();
  await other.dialog(t.logout).getByRole('button', { name: t.logout, exact: true }).click();
  await page.getByLabel(t.yourName).waitFor();
  await page.reload();
  await page.getByLabel(t.yourName).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('papo.who')), null);
  await ana.say('ainda aqui');
  await ana.state('ainda aqui', 'sent');
});

story('somebody else’s name asks for a password, and a terminal’s stays its own', {}, async (stage) => {
  const carla = await stage.terminal('carla');
  await carla.says(/carla/);
  const thief = await stage.visit();
  const { page, t } = thief;
  await page.getByLabel(t.yourName).fill('carla');
  await page.getByRole('button', { name: t.enter, exact: true }).click();
  await page.getByText(t.passwordNeeded).waitFor();
  // Another name is another matter.
  await page.getByLabel(t.yourName).fill('caio');
  await thief.passwordField().waitFor({ state: 'hidden' });
  await thief.login('caio');
});

story('whoever is logged out everywhere is asked to come in again', {}, async (stage) => {
  const ana = await stage.enter('ana');
  await setPassword(ana, 'um segredo meu');
  await ana.page.reload();
  await ana.inside();
  const elsewhere = await stage.peer('ana', { password: 'um segredo meu' });
  await elsewhere.ask({ type: 'logout', everywhere: true });
  await ana.page.getByText(ana.t.signedOut).waitFor();
  await ana.login('ana', 'um segredo meu');
});

story('two names in two tabs of one browser: neither locks the other out', {}, async (stage) => {
  const ana = await stage.visit();
  const page = await ana.context.newPage();
  await page.goto(stage.server.url);
  await ana.login('ana');
  const { t } = ana;
  const enter = async (name) => {
    await page.getByLabel(t.yourName).fill(name);
    await page.getByRole('button', { name: t.enter, exact: true }).click();
    await page.locator('main.chat').waitFor();
  };
  await enter('bia');
  await page.waitForFunction(() => localStorage.getItem('papo.secret.bia'));
  await page.getByRole('button', { name: t.settings }).click();
  await page.getByRole('dialog', { name: t.settings }).getByRole('button', { name: t.logout }).click();
  await page.getByRole('dialog', { name: t.logout }).getByRole('button', { name: t.logoutAnyway }).click();
  await page.getByLabel(t.yourName).waitFor();
  await enter('ana');
});

story('Portuguese and English, chosen on the page', {}, async (stage) => {
  const ana = await stage.visit({ locale: 'en-GB' });
  ana.t = languages.en;
  const { page } = ana;
  await page.getByLabel('Your name').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  await page.getByLabel(languages.en.languageLabel).selectOption('pt');
  ana.t = languages.pt;
  await page.getByLabel('Seu nome').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'pt-BR');
  await ana.login('ana');
  await ana.page.reload();
  await ana.inside();
  await page.getByRole('button', { name: 'Nova conversa' }).waitFor();
  const settings = await ana.settings();
  await settings.getByLabel(ana.t.languageLabel).selectOption('en');
  await page.getByRole('button', { name: 'New conversation' }).waitFor();
});

story('any other language gets Portuguese', {}, async (stage) => {
  const ana = await stage.visit({ locale: 'de-DE' });
  await ana.page.getByLabel('Seu nome').waitFor();
});

async function setPassword(person, password) {
  const { t } = person;
  const settings = await person.settings();
  await settings.getByRole('button', { name: t.setPassword }).click();
  const dialog = person.dialog(t.setPassword);
  await dialog.getByLabel(t.newPassword).fill(password);
  await dialog.getByRole('button', { name: t.save }).click();
  await dialog.waitFor({ state: 'detached' });
  await person.page.keyboard.press('Escape');
  await settings.waitFor({ state: 'detached' });
  // The password itself is not kept, but a token is that it has brought.
  await person.page.waitForFunction(() => JSON.parse(localStorage.getItem('papo.who')).token);
}
