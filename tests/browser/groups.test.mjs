// Groups, with members at browsers and in terminals.

import assert from 'node:assert/strict';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

story('a group of two browsers and a terminal', {}, async (stage) => {
  const carla = await stage.terminal('carla');
  await carla.says(/carla/);
  const bia = await stage.enter('bia');
  const ana = await stage.enter('ana');
  await ana.newGroup('Trabalho', ['bia', 'carla']);
  await ana.heading.getByText(ana.t.members(3)).waitFor();
  await ana.say('bem-vindas');
  await carla.says(/bem-vindas/);
  await bia.open('Trabalho');
  await bia.sees('bem-vindas');
  // Whose message it is, is told in a group.
  await bia.bubble('bem-vindas').getByText('ana', { exact: true }).waitFor();
  await bia.say('obrigada');
  await carla.says(/obrigada/);
  carla.type('3\nTrabalho\naqui também\n');
  await ana.sees('aqui também');
  await bia.sees('aqui também');
  // Both have it on their screens.
  await ana.state('bem-vindas', 'read');
});

story('members are added, promoted and removed, and leave', {}, async (stage) => {
  const dora = await stage.peer('dora');
  const bia = await stage.enter('bia');
  const ana = await stage.enter('ana');
  await ana.newGroup('Projeto', ['bia']);
  await ana.say('começamos');
  await bia.open('Projeto');

  await ana.thread.getByRole('button', { name: ana.t.details }).click();
  const dialog = ana.dialog('Projeto');
  await dialog.getByRole('button', { name: ana.t.addPeople }).click();
  await ana.dialog(ana.t.addPeople).locator('.person', { hasText: 'dora' }).click();
  await dialog.getByRole('heading', { name: ana.t.members(3) }).waitFor();
  await bia.thread.getByText(bia.t.event.added('dora', 'ana')).waitFor();
  await until(() => assert.ok(dora.events.some((event) => event.type === 'added_to_group')));

  await ana.member('Projeto', 'bia').getByRole('button', { name: ana.t.promote }).click();
  await ana.member('Projeto', 'bia').getByRole('button', { name: ana.t.demote }).waitFor();
  await bia.thread.getByText(bia.t.event.promoted('bia', 'ana')).waitFor();

  await dialog.getByRole('button', { name: ana.t.rename, exact: true }).click();
  const rename = ana.dialog(ana.t.rename);
  await rename.getByLabel(ana.t.newName).fill('Projeto final');
  await rename.getByRole('button', { name: ana.t.save }).click();
  await ana.dialog('Projeto final').waitFor();
  await bia.opened('Projeto final');
  await bia.say('ainda aqui');
  await ana.page.keyboard.press('Escape');
  await ana.sees('ainda aqui');

  // Bia is an admin now, and removes dora; then leaves.
  await bia.thread.getByRole('button', { name: bia.t.details }).click();
  await bia.member('Projeto final', 'dora').getByRole('button', { name: bia.t.remove }).click();
  await bia.dialog('Projeto final').getByRole('heading', { name: bia.t.members(2) }).waitFor();
  await ana.thread.getByText(ana.t.event.removed('dora', 'bia')).waitFor();
  await assert.rejects(dora.ask({ type: 'list_group_members', group_name: 'Projeto final' }), { code: 'not_member' });

  await bia.dialog('Projeto final').getByRole('button', { name: bia.t.leave }).click();
  await bia.dialog(bia.t.leave).getByRole('button', { name: bia.t.leave }).click();
  await bia.thread.getByText(bia.t.gone.left).waitFor();
  assert.equal(await bia.field.count(), 0, 'nothing can be written there');
  await ana.thread.getByText(ana.t.event.left('bia')).waitFor();
});

story('an open group is entered by its name, a private one is not', {}, async (stage) => {
  const dora = await stage.peer('dora');
  await dora.ask({ type: 'create_group', group_name: 'Aberto' });
  await dora.ask({ type: 'create_group', group_name: 'Fechado', private: true });
  const ana = await stage.enter('ana');
  await ana.page.getByRole('button', { name: ana.t.joinGroup }).click();
  const dialog = ana.dialog(ana.t.joinGroup);
  await dialog.getByLabel(ana.t.groupName).fill('Fechado');
  await dialog.getByRole('button', { name: ana.t.join, exact: true }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel(ana.t.groupName).fill('aberto');
  await dialog.getByRole('button', { name: ana.t.join, exact: true }).click();
  await ana.opened('Aberto');
  await ana.say('cheguei');
  await until(() => assert.ok(dora.events.some((event) => event.content === 'cheguei')));

  await dora.ask({ type: 'remove_member', group_name: 'Aberto', member: 'ana' });
  await ana.thread.getByText(ana.t.gone.removed).waitFor();
  await dora.ask({ type: 'delete_group', group_name: 'Fechado' });
});
