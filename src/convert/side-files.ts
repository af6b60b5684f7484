/** The small files beside the weights, as text and as JSON. */
import { readText, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { isRecord } from '../pack/json.ts'

export type Json = Record<string, unknown>

/** The file's object; undefined when there is no such file. Throws `bad-checkpoint` for anything else. */
export async function readJson(tree: FileTree, path: string): Promise<Json | undefined> {
  const content = await readTextFile(tree, path)
  return content === undefined ? undefined : parseObject(content, path)
}

/** The file's text; undefined when there is no such file. Throws `bad-checkpoint` for what is no UTF-8 or far too long. */
export async function readTextFile(tree: FileTree, path: string): Promise<string | undefined> {
  try {
    return await readText(tree, path)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('bad-checkpoint', `${path} cannot be read as text; fetch the checkpoint again.`, {
      cause,
    })
  }
}

/** Deeper than any of these files is, and shallow enough for whoever walks through one. */
const MAX_NESTING = 100

/** The object that a text holds. Throws `bad-checkpoint` for anything else, and for one nested without end. */
export function parseObject(content: string, path: string): Json {
  if (nestsDeeper(content, MAX_NESTING))
    throw new AppError('bad-checkpoint', `${path} is nested too deeply; fetch the checkpoint again.`)
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw new AppError('bad-checkpoint', `${path} is not valid JSON; fetch the checkpoint again.`, { cause })
  }
  if (!isRecord(value))
    throw new AppError('bad-checkpoint', `${path} holds no object; fetch the checkpoint again.`)
  return Object.fromEntries(Object.entries(value))
}

/** Brackets within strings do not count; of a text that is no JSON the answer means nothing. */
function nestsDeeper(text: string, most: number): boolean {
  const token = /"(?:[^"\\]|\\.)*"|[[{]|[\]}]/gs
  let depth = 0
  for (const [found] of text.matchAll(token)) {
    if (found === '[' || found === '{') depth += 1
    else if (found === ']' || found === '}') depth -= 1
    if (depth > most) return true
  }
  return false
}
