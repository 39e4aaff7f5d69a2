// A walk through every kind of view that the page has, for whoever has something to look for in each.

import { png } from './picture.mjs';

/** People, and conversations with everything that there can be in one. */
export async function prepare(stage) {
  const bia = await stage.peer('bia');
  const caio = await stage.peer('caio');
  const ana = await stage.peer('ana');
  const { msg_id: question } = await bia.say('ana', 'Quem traz o projetor? https://exemplo.com/sala');
  const { msg_id: own } = await ana.ask({ type: 'private_message', recipient: 'bia', content: 'Eu trago', reply_to: question });
  await ana.ask({ type: 'edit_message', msg_id: own, content: 'Eu trago, e os cabos também' });
  await bia.ask({ type: 'react', msg_id: own, emoji: '👍' });
  await ana.ask({ type: 'react', msg_id: question, emoji: '🎉' });
  const { msg_id: wrong } = await bia.say('ana', 'engano');
  await bia.ask({ type: 'delete_message', msg_id: wrong });
  const send = (peer, recipient, filename, bytes) => peer.ask({
    type: 'send_file', recipient, filename, file_data: bytes.toString('base64'),
  });
  await send(bia, 'ana', 'mapa.png', png(360, 220));
  await send(ana, 'bia', 'roteiro da apresentação.pdf', Buffer.from('%PDF'));
  await bia.ask({ type: 'create_group', group_name: 'Turma de sexta' });
  for (const member of ['ana', 'caio']) await bia.ask({ type: 'add_member', group_name: 'Turma de sexta', new_member: member });
  await bia.ask({ type: 'promote_member', group_name: 'Turma de sexta', member: 'ana' });
  await caio.ask({ type: 'group_message', group_name: 'Turma de sexta', content: 'Chego às oito' });
  await bia.ask({ type: 'group_message', group_name: 'Turma de sexta', content: 'Combinado. '.repeat(30) });
  ana.close();
  await caio.say('ana', 'não lida');
}

/**
 * Goes from the login to the last dialog, and calls `look(where)` in each view.
 * @param {import('./person.mjs').Person} ana with the login before her
 * @param {import('./proxy.mjs').Proxy} proxy what she goes through; cut at the end
 * @param {(where: string) => Promise<void>} look
 */
export async function everyView(ana, proxy, look) {
  const narrow = ana.page.viewportSize().width < 720;
  const { page, t } = ana;
  const closeWith = async (title) => {
    await page.keyboard.press('Escape');
    await ana.dialog(title).waitFor({ state: 'detached' });
  };
  const back = async () => narrow && page.getByRole('button', { name: t.back }).click();
  const dialogBy = async (button, title) => {
    await button.click();
    await ana.dialog(title).waitFor();
    await look(title);
  };

  await page.getByLabel(t.yourName).waitFor();
  await look('login');
  await page.getByLabel(t.yourName).fill('a/b');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await look('login with a complaint');
  await ana.login('ana');
  await ana.line('bia').waitFor();
  await look('list');

  for (const [name, title] of [[t.newConversation, t.newConversation], [t.newGroup, t.newGroup], [t.joinGroup, t.joinGroup]]) {
    await dialogBy(page.getByRole('button', { name }), title);
    await closeWith(title);
  }
  await dialogBy(page.getByRole('button', { name: t.settings }), t.settings);
  await dialogBy(ana.dialog(t.settings).getByRole('button', { name: t.setPassword }), t.setPassword);
  await closeWith(t.setPassword);
  await dialogBy(ana.dialog(t.settings).getByRole('button', { name: t.logout, exact: true }), t.logout);
  await closeWith(t.logout);
  await closeWith(t.settings);
  await page.keyboard.press('Control+/');
  await ana.dialog(t.help).waitFor();
  await look('help');
  await closeWith(t.help);

  await ana.list.getByRole('searchbox').fill('projetor');
  await ana.list.getByRole('link').filter({ hasText: 'Quem traz' }).waitFor();
  await look('search');
  await ana.list.getByRole('button', { name: t.clearSearch }).click();

  await ana.open('bia');
  await ana.thread.getByRole('img', { name: t.picture('mapa.png') }).waitFor();
  await look('conversation');
  const own = ana.bubble('Eu trago, e os cabos também');
  await own.hover();
  await own.getByRole('button', { name: t.more }).click();
  await page.getByRole('menu').waitFor();
  await look('menu of a message');
  await page.getByRole('menuitem', { name: t.edit, exact: true }).click();
  await look('editing');
  await page.keyboard.press('Escape');
  await ana.choose(own, t.delete);
  await look(t.delete);
  await closeWith(t.delete);
  await dialogBy(ana.thread.getByRole('button', { name: t.openPicture('mapa.png') }), 'mapa.png');
  await closeWith('mapa.png');
  await back();

  await ana.open('caio');
  await ana.thread.getByText(t.newMessages).waitFor();
  await look('something new');
  await back();

  await ana.open('Turma de sexta');
  await ana.sees('Chego às oito');
  await look('group');
  await dialogBy(ana.thread.getByRole('button', { name: t.details }), 'Turma de sexta');
  await ana.member('Turma de sexta', 'bia').getByRole('button', { name: t.demote }).waitFor();
  await look('members');
  await dialogBy(ana.dialog('Turma de sexta').getByRole('button', { name: t.addPeople }), t.addPeople);
  await closeWith(t.addPeople);
  await dialogBy(ana.dialog('Turma de sexta').getByRole('button', { name: t.rename }), t.rename);
  await closeWith(t.rename);
  await closeWith('Turma de sexta');

  proxy.cut();
  await page.locator('.status').waitFor();
  await ana.say('sem rede');
  await ana.state('sem rede', 'pending');
  await look('no network');
}
