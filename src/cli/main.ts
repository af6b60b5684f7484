/** The command line: `npm run --silent pictalk -- <command>`. Answers go to stdout, everything else to stderr. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { AppError } from '../pack/failure.ts'
import { PRECISIONS, type Precision } from '../pack/manifest.ts'
import { PUBLIC_HUB } from '../remote/hub.ts'
import { QUESTION_TEMPLATE } from '../runtime/talk/dialogue.ts'
import { EXISTING } from '../studio/compose.ts'
import { FORMATS, TABLES, type TableFormat } from '../studio/formats/formats.ts'
import { parseShard, WHOLE, type Shard } from '../studio/shard.ts'
import type { BatchFlags } from './batch.ts'
import { collect, wholeNumber, withDecodingFlags } from './decoding-flags.ts'
import { describePack } from './describe-pack.ts'
import { checkpointSource } from './checkpoint-source.ts'
import { convertInto } from './convert-into.ts'
import { openPackFolder } from './files.ts'
import { fromHere } from './from-here.ts'
import { joinShards } from './join-shards.ts'
import { inThread, type ThreadFlags } from './in-thread.ts'
import { print, remark } from './output.ts'
import { owningRun } from './own-run.ts'
import { progressOn } from './progress.ts'
import { sentenceOf } from './sentence.ts'
import { servePack } from './serve.ts'
import type { AskRequest, CaptionRequest, TraceRequest } from './talk.ts'
import { verifyPack } from './verify.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

async function convert(flags: {
  from: string
  out: string
  precision: Precision
  name?: string
  imageSize?: number
  hub: string
}): Promise<void> {
  const out = fromHere(flags.out)
  const progress = progressOn(process.stderr)
  const { tree, name } = await checkpointSource(flags.from, {
    hub: flags.hub,
    // Not an option: a command line is there for everybody on the machine to read.
    token: process.env['HF_TOKEN'],
    folder: fromHere,
    signal: interrupted.signal,
  })
  const manifest = await convertInto(out, tree, {
    precision: flags.precision,
    name: flags.name ?? name,
    choices: { imageSize: flags.imageSize },
    signal: interrupted.signal,
    onProgress: progress.show,
  }).finally(progress.end)
  print(...describePack(manifest))
}

async function inspect(pack: string, flags: { json?: boolean }): Promise<void> {
  const { manifest } = await openPackFolder(fromHere(pack))
  print(...(flags.json ? [JSON.stringify(manifest)] : describePack(manifest)))
}

async function verify(pack: string): Promise<void> {
  const progress = progressOn(process.stderr)
  const damaged = await verifyPack(fromHere(pack), {
    signal: interrupted.signal,
    onProgress: progress.show,
  }).finally(progress.end)
  if (damaged.length === 0) {
    print('Every chunk has its SHA-256, and every graph is what the manifest says.')
    return
  }
  for (const { path, why } of damaged) print(`${path}: ${why}`)
  const count = `${damaged.length} file${damaged.length === 1 ? '' : 's'}`
  throw new AppError('corrupt', `${count} of this pack cannot be used; convert or download it again.`)
}

async function serve(folder: string, flags: { port: number; host: string }): Promise<void> {
  const server = await servePack(fromHere(folder), flags)
  remark(`pictalk: serving ${folder} at ${server.url}; stop with Ctrl+C`)
  await new Promise((stop) => interrupted.signal.addEventListener('abort', stop))
  await server.close()
}

async function caption(
  pack: string,
  images: string[],
  flags: CaptionRequest['flags'] & ThreadFlags,
): Promise<void> {
  const failures = await inThread('caption', { pack, images, flags }, flags, interrupted.signal)
  if (failures > 0) process.exitCode = 1
}

async function batch(pack: string, folder: string, flags: BatchFlags & ThreadFlags): Promise<void> {
  const where = fromHere(folder)
  const failures = await owningRun(where, flags.shard, (journal) =>
    inThread('batch', { pack: fromHere(pack), folder: where, journal, flags }, flags, interrupted.signal),
  )
  if (failures > 0) process.exitCode = 1
}

async function metadata(folder: string, flags: { format: TableFormat; bom?: boolean }): Promise<void> {
  const where = fromHere(folder)
  const { table, shards, rows } = await owningRun(where, WHOLE, () =>
    joinShards(where, flags.format, { bom: flags.bom ?? false }),
  )
  remark(`pictalk: ${table} has ${rows} captions now, joined from ${shards} shares.`)
}

async function ask(pack: string, image: string, flags: AskRequest['flags'] & ThreadFlags): Promise<void> {
  const empty = await inThread('ask', { pack, image, flags }, flags, interrupted.signal)
  if (empty > 0) process.exitCode = 1
}

async function trace(pack: string, image: string, flags: TraceRequest['flags'] & ThreadFlags): Promise<void> {
  await inThread('trace', { pack, image, flags }, flags, interrupted.signal)
}

function withPictureFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--alpha <how>', 'translucent pictures: keep stored colours, or lay them on white')
        .choices(['drop', 'white'])
        .default('drop'),
    )
    .option(
      '--timeout <seconds>',
      'give up after so long; a pack may hold what never ends',
      wholeNumber(1, 1e6),
    )
}

function portNumber(text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('give a whole number from 0 to 65535.')
  return value
}

function shardArgument(text: string): Shard {
  try {
    return parseShard(text)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof AppError ? error.message : String(error))
  }
}

function withPrompt(command: Command): Command {
  return command.option('--prompt <text>', 'what the answer goes on from; empty for a plain caption', '')
}

function program(): Command {
  const root = new Command('pictalk')
    .description('BLIP-2 packs: convert, inspect, verify, serve, caption, batch, metadata, ask, trace')
    .exitOverride()
  root.configureOutput({ writeErr: () => undefined })
  root
    .command('convert')
    .description('turn a Hugging Face checkpoint into a pack')
    .requiredOption('--from <source>', 'a folder, hub:owner/name[@revision], or the URL of a folder')
    .requiredOption('--out <folder>', 'folder of the pack')
    .addOption(
      new Option('--precision <name>', 'how weights are stored').choices(PRECISIONS).default('q4f16'),
    )
    .option('--name <name>', 'what the pack calls itself; the folder or repository by default')
    .option(
      '--image-size <px>',
      'side of the pictures that it is to look at; positions are interpolated where it was trained on others',
      wholeNumber(1, 4096),
    )
    .addOption(
      new Option('--hub <url>', 'the hub, or a mirror of it; a token is read from HF_TOKEN')
        .env('HF_ENDPOINT')
        .default(PUBLIC_HUB),
    )
    .action(convert)
  root
    .command('inspect <pack>')
    .description('say what is in a pack')
    .option('--json', 'the manifest as JSON')
    .action(inspect)
  root
    .command('verify <pack>')
    .description('check every chunk of a pack against its hash, and graphs against the manifest')
    .action(verify)
  root
    .command('serve <folder>')
    .description('hand packs or checkpoints to others: a static server with ranges, ETags and CORS')
    .option('--port <n>', 'port; 0 takes a free one', portNumber, 8017)
    .option('--host <address>', 'address to listen on; 0.0.0.0 for the whole network', '127.0.0.1')
    .action(serve)
  withDecodingFlags(
    withPictureFlags(withPrompt(root.command('caption <pack> <image...>').description('caption pictures'))),
  )
    .option('--json', 'one JSON object per picture')
    .action(caption)
  withDecodingFlags(
    withPictureFlags(
      withPrompt(root.command('batch <pack> <folder>').description('caption a folder of pictures')),
    ),
  )
    .option('--recursive', 'pictures in folders below it, too')
    .addOption(new Option('--format <name>', 'how captions are written').choices(FORMATS).default('txt'))
    .addOption(
      new Option('--existing <what>', 'what to do with captions that are there')
        .choices(EXISTING)
        .default('skip'),
    )
    .option('--trigger <word>', 'a word before each caption, set off by a comma', '')
    .option('--prefix <text>', 'text right before each caption', '')
    .option('--suffix <text>', 'text right behind each caption', '')
    .addOption(
      new Option('--shard <share>', 'a fixed share of the pictures, 3/16 say, for one of several computers')
        .argParser(shardArgument)
        .default(WHOLE, 'all'),
    )
    .option('--bom', 'begin a CSV file with a byte order mark, for spreadsheets')
    .option('--json', 'one JSON object per picture')
    .action(batch)
  root
    .command('metadata <folder>')
    .description('join what shares of a folder wrote (batch --shard) into one table')
    .addOption(new Option('--format <name>', 'the table').choices(Object.keys(TABLES)).default('jsonl'))
    .option('--bom', 'begin a CSV file with a byte order mark, for spreadsheets')
    .action(metadata)
  withDecodingFlags(
    withPictureFlags(root.command('ask <pack> <image>').description('hold a conversation about a picture')),
  )
    .requiredOption('--question <text>', 'a question; each further one is the next turn', collect)
    .option('--template <text>', 'how a question is put', QUESTION_TEMPLATE)
    .option('--json', 'one JSON object per turn')
    .action(ask)
  withPictureFlags(
    withPrompt(
      root.command('trace <pack> <image>').description('write every stage of one picture as safetensors'),
    ),
  )
    .option('--max-new-tokens <n>', 'longest answer', wholeNumber(1, 4096), 30)
    .requiredOption('--out <file>', 'the safetensors file to write')
    .action(trace)
  for (const command of root.commands) command.exitOverride().configureOutput({ writeErr: () => undefined })
  return root
}

/** 2 for a command that was called wrongly, 1 for anything that failed. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  return error instanceof AppError && error.code === 'bad-usage' ? 2 : 1
}

try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  if (error instanceof CommanderError && process.exitCode === 2) {
    const why =
      error.code === 'commander.help'
        ? 'no command was given'
        : error.message.replace(/^error: /, '').replace(/\.$/, '')
    remark(sentenceOf(new AppError('bad-usage', `${why}; see --help.`)))
  } else if (process.exitCode !== 0) {
    remark(sentenceOf(error))
  }
}
