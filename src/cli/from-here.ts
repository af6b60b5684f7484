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
