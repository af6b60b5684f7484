import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AppError } from '../pack/failure.ts'

/**
 * Paths are meant from where the person stands; `npm run` itself stands in the project. Throws `bad-usage` for an empty
 * one: a variable that was never set would otherwise name the folder that they stand in.
 */
export function fromHere(path: string): string {
  if (path === '') throw new AppError('bad-usage', 'A path is empty; give the path of a file or folder.')
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), path)
}

/**
 * The path of a file to write, which is none of the pictures that it is made of, under whatever name. Throws `bad-usage`
 * where it is one: it would be lost.
 */
export async function outBeside(out: string, pictures: readonly string[]): Promise<string> {
  const path = fromHere(out)
  const there = await identityOf(path)
  for (const picture of pictures)
    if ((await identityOf(fromHere(picture))) === there)
      throw new AppError('bad-usage', `${path} is the picture itself; name another file to write.`)
  return path
}

/** What stays the same when a file is named in another way; the path where there is no file. */
async function identityOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => path,
  )
}
