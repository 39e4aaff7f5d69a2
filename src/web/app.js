// The page's beginning: what was chosen before, the connection, and either the login or the chat.

import { Chat } from './chat.js';
import { Connection } from './connection.js';
import { Login } from './login.js';
import { Session } from './session.js';
import { applyPreferences } from './settings.js';

applyPreferences();

const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
const connection = new Connection(`${scheme}//${location.host}/ws`);

/** @type {Chat | null} */
let chat = null;
/** @type {Login | null} */
let login = null;

const session = new Session(connection, {
  change: () => chat?.draw(),
  arrived: (conversation, message) => chat?.notices.arrived(conversation, message),
  signedOut: (name) => showLogin(name),
});

connection.on('state', (state) => {
  chat?.connectionChanged();
  login?.connectionChanged(state);
});
for (const type of ['online', 'offline']) window.addEventListener(type, () => connection.doubt());
window.addEventListener('online', () => connection.hurry());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') connection.hurry();
});

function showChat() {
  login?.element.remove();
  login = null;
  chat?.end();
  chat = new Chat(session, connection, { restart: showChat, signOut: () => showLogin(), chat: () => chat });
  document.body.append(chat.element);
}

/** With a name: whose session has ended without their doing. */
function showLogin(name) {
  chat?.end();
  chat = null;
  history.replaceState(null, '', location.pathname);
  document.title = 'papo';
  login?.element.remove();
  login = new Login(session, { entered: showChat, restart: () => showLogin(name), name });
  document.body.append(login.element);
  login.focus();
}

if (Session.remembered()) {
  session.resume();
  showChat();
} else {
  showLogin();
}
