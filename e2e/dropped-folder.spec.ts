import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures.ts'

test('Users can drop a folder of pictures with all that lies about in it', async ({ app }, info) => {
  const folder = info.outputPath('holiday')
  mkdirSync(folder)
  for (const name of ['img10.png', 'img2.png'])
    copyFileSync('testing/images/good-rgb.png', join(folder, name))
  for (const name of ['.DS_Store', 'Thumbs.db', 'desktop.ini', '._img2.png', 'notes.txt', 'config.json'])
    writeFileSync(join(folder, name), '{}')
  await app.open()
  const devtools = await app.page.context().newCDPSession(app.page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    await devtools.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data })
  }
  await expect(app.page.getByRole('group', { name: 'Note' })).toContainText('6 files')
  await app.finished(0)
  await app.finished(1)
  await expect(app.answer(0)).toHaveAccessibleName('img2.png')
  await expect(app.answer(1)).toHaveAccessibleName('img10.png')
})
