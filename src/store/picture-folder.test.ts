import { expect, it } from 'vitest'
import { folderOfHandle } from './picture-folder.ts'

/** A folder that gives no file, for this reason. */
function refusing(cause: Error): FileSystemDirectoryHandle {
  const handle = { name: 'holiday', getFileHandle: () => Promise.reject(cause) }
  return handle as unknown as FileSystemDirectoryHandle
}

it.each([
  ['a name that browsers refuse', new TypeError('Name is not allowed.'), 'bad-usage'],
  ['a folder of that name', new DOMException('', 'TypeMismatchError'), 'bad-usage'],
  ['a file that may not be written', new DOMException('', 'NoModificationAllowedError'), 'forbidden'],
  ['a full disk', new DOMException('', 'QuotaExceededError'), 'no-space'],
])('Where there is %s a file is not written, and why is said', async (_, cause, code) => {
  const folder = folderOfHandle(refusing(cause))
  await expect(folder.write?.('a.txt', new Blob(['x']))).rejects.toMatchObject({ code })
})
