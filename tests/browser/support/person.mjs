// Somebody at a browser: what people do with the page, and what they see of it. Elements are found as
// people find them, by the words of the page's own text.js.

import assert from 'node:assert/strict';

import { languages } from '../../../src/web/text.js';
import { until } from './until.mjs';

export class Person {
  name = null;
  /** The words of the page's language. */
  t = languages.pt;
  /** Errors: of the console, not caught, dialogs that only a script can have opened. */
  troubles = [];
  /** All that the console says. */
  console = [];

  constructor(context, page, url) {
    this.context = context;
    this.page = page;
    this.url = url;
    page.on('console', (message) => {
      this.console.push(`${message.type()}: ${message.text()}`);
      if (message.type() === 'error') this.troubles.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.troubles.push(error.stack ?? String(error)));
    page.on('dialog', async (dialog) => {
      this.troubles.push(`a dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
  }

  goto() {
    return this.page.goto(this.url);
  }

  // Coming in.

  async login(name, password) {
    const { page, t } = this;
    const enter = page.getByRole('button', { name: t.enter, exact: true });
    await page.getByLabel(t.yourName).fill(name);
    await enter.click();
    if (password !== undefined) {
      await this.passwordField().fill(password);
      await enter.click();
    }
    await this.inside();
    this.name = name;
    await this.remembered();
  }

  passwordField() {
    return this.page.getByLabel(this.t.password, { exact: true });
  }

  /** Waits for the chat, connected. */
  async inside() {
    await this.page.locator('main.chat').waitFor();
    await this.page.locator('main.chat .status').waitFor({ state: 'hidden' });
  }

  /** Waits until a reload would come in again by itself. */
  async remembered() {
    await this.page.waitForFunction(() => {
      const who = JSON.parse(localStorage.getItem('papo.who') ?? 'null');
      return who?.token || who?.secret;
    });
  }

  async settings() {
    await this.page.getByRole('button', { name: this.t.settings }).click();
    return this.dialog(this.t.settings);
  }

  // The list.

  get list() {
    return this.page.getByRole('region', { name: this.t.conversations });
  }

  /** A conversation's line in the list. */
  line(name) {
    return this.list.locator('.conversations:not(.found) a').filter({ has: this.page.locator('.name', { hasText: exactly(name) }) });
  }

  /** Opens a conversation that is in the list. */
  async open(name) {
    await this.line(name).click();
    await this.opened(name);
  }

  async opened(name) {
    await this.thread.getByRole('heading', { name, exact: true }).waitFor();
  }

  /** Begins a conversation with somebody whom the server knows. */
  async begin(name) {
    await this.page.getByRole('button', { name: this.t.newConversation }).click();
    const dialog = this.dialog(this.t.newConversation);
    await dialog.getByRole('searchbox').fill(name);
    await dialog.locator('.person', { has: this.page.locator('.name', { hasText: exactly(name) }) }).click();
    await this.opened(name);
  }

  async newGroup(name, members) {
    await this.page.getByRole('button', { name: this.t.newGroup }).click();
    const dialog = this.dialog(this.t.newGroup);
    await dialog.getByLabel(this.t.groupName).fill(name);
    for (const member of members) await dialog.getByRole('checkbox', { name: member }).check();
    await dialog.getByRole('button', { name: this.t.create, exact: true }).click();
    await this.opened(name);
  }

  dialog(title) {
    return this.page.getByRole('dialog', { name: title, exact: true });
  }

  /** A member's line in the dialog of a group. */
  member(group, name) {
    return this.dialog(group).getByRole('listitem').filter({ has: this.page.locator('.name', { hasText: exactly(name) }) });
  }

  // The conversation.

  get thread() {
    return this.page.locator('section.thread');
  }

  get field() {
    return this.thread.getByRole('textbox');
  }

  get heading() {
    return this.thread.locator('.heading');
  }

  async say(text) {
    await this.field.fill(text);
    await this.field.press('Enter');
  }

  /** The messages that say exactly this. */
  bubble(text) {
    return this.thread.locator('.message').filter({ has: this.page.locator('.text', { hasText: exactly(text) }) });
  }

  /** The messages that carry a file of this name. */
  fileBubble(name) {
    return this.thread.locator('.message[data-msg-id]').filter({ hasText: name });
  }

  /** Waits until a message is there, once. */
  async sees(text) {
    await this.bubble(text).first().waitFor();
    assert.equal(await this.bubble(text).count(), 1, `“${text}” is there once`);
    return this.bubble(text);
  }

  /** Waits until an own message has come so far: pending, sent, delivered, read, failed. */
  async state(text, state) {
    await this.thread.locator(`.message[data-state="${state}"]`)
      .filter({ has: this.page.locator('.text', { hasText: exactly(text) }) }).waitFor();
    // Whoever hears the page instead of seeing it is told the same.
    assert.ok((await this.bubble(text).innerText()).includes(this.t[state]));
  }

  /** Chooses from the menu of a message. */
  async choose(bubble, choice) {
    await bubble.hover();
    await bubble.getByRole('button', { name: this.t.more }).click();
    await this.page.getByRole('menuitem', { name: choice, exact: true }).click();
  }

  /** All texts of the conversation, as they stand there. */
  async texts() {
    return this.thread.locator('.message .text').allInnerTexts();
  }

  /** Sends files by the button. */
  async attach(...files) {
    await this.thread.locator('input[type=file]').setInputFiles(files);
  }

  /** Downloads a file of a message, and gives the path where it is then. */
  async download(name) {
    const waiting = this.page.waitForEvent('download');
    await this.thread.getByRole('button', { name: this.t.download(name) }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), name);
    return download.path();
  }

  // Away.

  /** As if another tab or window were in front, which a browser without a screen cannot have. */
  async hide(hidden = true) {
    await this.page.evaluate((away) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (away ? 'hidden' : 'visible') });
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => away });
      document.hasFocus = () => !away;
      document.dispatchEvent(new Event('visibilitychange'));
      window.dispatchEvent(new Event(away ? 'blur' : 'focus'));
    }, hidden);
  }

  /** Waits until something in the page holds. */
  holds(look) {
    return until(look);
  }

  /** Stays away for good. */
  async leave() {
    await this.context.close();
  }
}

/** This text and nothing around it. */
export function exactly(text) {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}
