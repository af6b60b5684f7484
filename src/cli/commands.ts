/** What each command of the command line does, once its arguments are read. */
import { AppError } from '../pack/failure.ts'
import type { Precision } from '../pack/manifest.ts'
import type { TableFormat } from '../studio/formats/formats.ts'
import { WHOLE } from '../studio/shard.ts'
import type { BatchFlags } from './batch-work.ts'
import { checkpointSource } from './checkpoint-source.ts'
import type { AttendRequest, ClassifyRequest, EmbedRequest, MatchRequest } from './compare.ts'
import { convertInto } from './convert-into.ts'
import { describePack } from './describe-pack.ts'
import { openPackFolder } from './files.ts'
import { fromHere } from './from-here.ts'
import { joinShards } from './join-shards.ts'
import { apart, type TimeFlags } from './apart.ts'
import { print, remark } from './output.ts'
import { owningRun } from './own-run.ts'
import { progressOn } from './progress.ts'
import type { SearchRequest } from './search.ts'
import { servePack } from './serve.ts'
import type { AskRequest, CaptionRequest, TraceRequest } from './talk.ts'
import { verifyPack } from './verify.ts'

export interface ConvertFlags {
  from: string
  out: string
  precision: Precision
  name?: string
  imageSize?: number
  vision?: string
  language?: string
  hub: string
}

/** Each gives how many of the things that it was asked for could not be had, and throws where that is the only one. */
export interface Commands {
  convert: (flags: ConvertFlags) => Promise<number>
  inspect: (pack: string, flags: { json?: boolean }) => Promise<number>
  verify: (pack: string) => Promise<number>
  serve: (folder: string, flags: { port: number; host: string }) => Promise<number>
  caption: (pack: string, images: string[], flags: CaptionRequest['flags'] & TimeFlags) => Promise<number>
  batch: (pack: string, folder: string, flags: BatchFlags & TimeFlags) => Promise<number>
  metadata: (folder: string, flags: { format: TableFormat; bom?: boolean }) => Promise<number>
  ask: (pack: string, image: string, flags: AskRequest['flags'] & TimeFlags) => Promise<number>
  trace: (pack: string, image: string, flags: TraceRequest['flags'] & TimeFlags) => Promise<number>
  match: (pack: string, images: string[], flags: MatchRequest['flags'] & TimeFlags) => Promise<number>
  embed: (pack: string, flags: EmbedRequest['flags'] & TimeFlags) => Promise<number>
  attend: (pack: string, image: string, flags: AttendRequest['flags'] & TimeFlags) => Promise<number>
  search: (pack: string, folder: string, flags: SearchRequest['flags'] & TimeFlags) => Promise<number>
  classify: (pack: string, images: string[], flags: ClassifyRequest['flags'] & TimeFlags) => Promise<number>
}

export function commandsOf(signal: AbortSignal): Commands {
  return {
    convert: (flags) => convert(flags, signal),
    inspect,
    verify: (pack) => verify(pack, signal),
    serve: (folder, flags) => serve(folder, flags, signal),
    caption: (pack, images, flags) => apart('caption', { pack, images, flags }, flags, signal),
    batch: (pack, folder, flags) => batch(pack, folder, flags, signal),
    metadata,
    ask: (pack, image, flags) => apart('ask', { pack, image, flags }, flags, signal),
    trace: async (pack, image, flags) => {
      await apart('trace', { pack, image, flags }, flags, signal)
      return 0
    },
    match: (pack, images, flags) => apart('match', { pack, images, flags }, flags, signal),
    embed: async (pack, flags) => {
      await apart('embed', { pack, flags }, flags, signal)
      return 0
    },
    attend: async (pack, image, flags) => {
      await apart('attend', { pack, image, flags }, flags, signal)
      return 0
    },
    search: (pack, folder, flags) => apart('search', { pack, folder, flags }, flags, signal),
    classify: (pack, images, flags) => apart('classify', { pack, images, flags }, flags, signal),
  }
}

async function convert(flags: ConvertFlags, signal: AbortSignal): Promise<number> {
  const out = fromHere(flags.out)
  const progress = progressOn(process.stderr)
  const { tree, name } = await checkpointSource(flags.from, {
    vision: flags.vision,
    language: flags.language,
    hub: flags.hub,
    // Not an option: a command line is there for everybody on the machine to read.
    token: process.env['HF_TOKEN'],
    folder: fromHere,
    signal,
  })
  const manifest = await convertInto(out, tree, {
    precision: flags.precision,
    name: flags.name ?? name,
    choices: { imageSize: flags.imageSize },
    signal,
    onProgress: progress.show,
  })
    .catch(sayingFlags)
    .finally(progress.end)
  print(...describePack(manifest))
  return 0
}

/** Where a checkpoint leaves parts out, they need not lie in its folder here. */
function sayingFlags(error: unknown): never {
  if (!(error instanceof AppError) || error.details?.['leftOut'] === undefined) throw error
  const { code, message } = error
  const flags = 'or name them with --vision and --language'
  throw new AppError(code, `${message.replace(/\.$/, '')}, ${flags}.`, { cause: error })
}

function batch(
  pack: string,
  folder: string,
  flags: BatchFlags & TimeFlags,
  signal: AbortSignal,
): Promise<number> {
  const where = fromHere(folder)
  return owningRun(where, flags.shard, (journal) =>
    apart('batch', { pack: fromHere(pack), folder: where, journal, flags }, flags, signal),
  )
}

async function metadata(folder: string, flags: { format: TableFormat; bom?: boolean }): Promise<number> {
  const where = fromHere(folder)
  const { table, shards, rows } = await owningRun(where, WHOLE, () =>
    joinShards(where, flags.format, { bom: flags.bom ?? false }),
  )
  remark(`pictalk: ${table} has ${rows} captions now, joined from ${shards} shares.`)
  return 0
}

async function inspect(pack: string, flags: { json?: boolean }): Promise<number> {
  const { manifest } = await openPackFolder(fromHere(pack))
  print(...(flags.json ? [JSON.stringify(manifest)] : describePack(manifest)))
  return 0
}

async function verify(pack: string, signal: AbortSignal): Promise<number> {
  const progress = progressOn(process.stderr)
  const damaged = await verifyPack(fromHere(pack), {
    signal,
    onProgress: progress.show,
  }).finally(progress.end)
  if (damaged.length === 0) {
    print('Every chunk has its SHA-256, and every graph is what the manifest says.')
    return 0
  }
  for (const { path, why } of damaged) print(`${path}: ${why}`)
  const count = `${damaged.length} file${damaged.length === 1 ? '' : 's'}`
  throw new AppError('corrupt', `${count} of this pack cannot be used; convert or download it again.`)
}

async function serve(
  folder: string,
  flags: { port: number; host: string },
  signal: AbortSignal,
): Promise<number> {
  const server = await servePack(fromHere(folder), flags)
  remark(`pictalk: serving ${folder} at ${server.url}; stop with Ctrl+C`)
  // It may have been stopped before it could begin.
  if (!signal.aborted) await new Promise((stop) => signal.addEventListener('abort', stop))
  await server.close()
  return 0
}
