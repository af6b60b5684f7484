import { stat } from 'node:fs/promises'
import { AppError } from '../pack/failure.ts'
import { failOf } from './system-errors.ts'

/** Throws `bad-usage` for what is no folder, and what `failOf` says where there is nothing. */
export async function statFolder(path: string): Promise<void> {
  const facts = await stat(path).catch((cause: unknown) => failOf(cause, path, 'read'))
  if (!facts.isDirectory()) throw new AppError('bad-usage', `${path} is no folder; give one with pictures.`)
}
