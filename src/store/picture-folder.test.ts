import { expect, it } from 'vitest'
import { folderOfHandle } from './picture-folder.ts'

/** A folder that gives neither file nor folder, for this reason. */
function refusing(cause: Error): FileSystemDirectoryHandle {
  const refuse = (): Promise<never> => Promise.reject(cause)
  const handle = { name: 'holiday', getFileHandle: refuse, getDirectoryHandle: refuse }
  return handle as unknown as FileSystemDirectoryHandle
}

const NAME_REFUSED = new TypeError('Name is not allowed.')

it.each([
  ['a name that browsers refuse', NAME_REFUSED, 'bad-usage'],
  ['a folder of that name', new DOMException('', 'TypeMismatchError'), 'bad-usage'],
  ['a file that may not be written', new DOMException('', 'NoModificationAllowedError'), 'forbidden'],
  ['a full disk', new DOMException('', 'QuotaExceededError'), 'no-space'],
])('Where there is %s a file is not written, and why is said', async (_, cause, code) => {
  const folder = folderOfHandle(refusing(cause))
  await expect(folder.write?.('a.txt', new Blob(['x']))).rejects.toMatchObject({ code })
})

it.each(['a.txt', 'sub/a.txt'])(
  'A name that browsers refuse is called that of %s when it is opened, too',
  async (path) => {
    const folder = folderOfHandle(refusing(NAME_REFUSED))
    await expect(folder.open(path)).rejects.toMatchObject({ code: 'bad-usage' })
    await expect(folder.write?.(path, new Blob(['x']))).rejects.toMatchObject({ code: 'bad-usage' })
  },
)

it('What goes wrong where no name is given is not laid on the name', async () => {
  const fault = new TypeError('undefined is no function')
  const fail = (): Promise<never> => Promise.reject(fault)
  const file = { kind: 'file', name: 'a.txt', getFile: fail, createWritable: fail }
  const handle = {
    name: 'holiday',
    getFileHandle: () => Promise.resolve(file),
    values: () => [file],
  }
  const folder = folderOfHandle(handle as unknown as FileSystemDirectoryHandle)
  await expect(folder.open('a.txt')).rejects.toBe(fault)
  await expect(folder.write?.('a.txt', new Blob(['x']))).rejects.toBe(fault)
  const [listed] = await folder.list({ onFound: () => undefined, signal: new AbortController().signal })
  await expect(listed?.open()).rejects.toBe(fault)
})
