/** The command line: `npm run --silent pictalk -- <command>`. Answers go to stdout, everything else to stderr. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { convertCheckpoint } from '../convert/convert.ts'
import type { Pixels } from '../image/pixels.ts'
import { preprocess } from '../image/preprocess.ts'
import { AppError, toFailure } from '../pack/failure.ts'
import { PRECISIONS, type Precision } from '../pack/manifest.ts'
import { PUBLIC_HUB } from '../remote/hub.ts'
import { openTalkingModel } from '../runtime/models/models.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { traceStages } from '../runtime/models/trace.ts'
import type { Answer, AnswerSoFar } from '../runtime/talk/discussion.ts'
import { QUESTION_TEMPLATE, type Turn } from '../runtime/talk/dialogue.ts'
import { openCompute } from '../runtime/device/compute.ts'
import {
  collect,
  decodingSettings,
  wholeNumber,
  withDecodingFlags,
  type DecodingFlags,
} from './decoding-flags.ts'
import { decodeImage, type Alpha } from './decode-image.ts'
import { describePack } from './describe-pack.ts'
import { checkpointSource } from './checkpoint-source.ts'
import { folderSink, openPackFolder } from './files.ts'
import { progressOn } from './progress.ts'
import { servePack } from './serve.ts'
import { verifyPack } from './verify.ts'
import { writeSafetensors } from './safetensors-file.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

/** Paths are meant from where the person stands; `npm run` itself stands in the project. */
function fromHere(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), path)
}

interface PictureFlags {
  alpha: Alpha
}

interface AnswerFlags extends PictureFlags, DecodingFlags {
  prompt: string
}

async function convert(flags: {
  from: string
  out: string
  precision: Precision
  name?: string
  hub: string
}): Promise<void> {
  const progress = progressOn(process.stderr)
  const { tree, name } = await checkpointSource(flags.from, {
    hub: flags.hub,
    // Not an option: a command line is there for everybody on the machine to read.
    token: process.env['HF_TOKEN'],
    folder: fromHere,
    signal: interrupted.signal,
  })
  const manifest = await convertCheckpoint(tree, folderSink(fromHere(flags.out)), {
    precision: flags.precision,
    name: flags.name ?? name,
    signal: interrupted.signal,
    onProgress: ({ file, tensor, doneBytes, totalBytes }) =>
      progress.show(`${file ?? 'comparing'} ${tensor ?? ''}`, doneBytes, totalBytes),
  })
  progress.end()
  console.log(describePack(manifest))
}

async function inspect(pack: string, flags: { json?: boolean }): Promise<void> {
  const { manifest } = await openPackFolder(fromHere(pack))
  console.log(flags.json ? JSON.stringify(manifest) : describePack(manifest))
}

async function verify(pack: string): Promise<void> {
  const progress = progressOn(process.stderr)
  const damaged = await verifyPack(fromHere(pack), {
    signal: interrupted.signal,
    onProgress: (path, done, total) => progress.show(path, done, total),
  })
  progress.end()
  if (damaged.length === 0) {
    console.log('Every chunk has its SHA-256.')
    return
  }
  for (const { path, why } of damaged) console.log(`${path}: ${why}`)
  const count = `${damaged.length} chunk${damaged.length === 1 ? '' : 's'}`
  throw new AppError('corrupt', `${count} of this pack cannot be used; convert or download it again.`)
}

async function serve(folder: string, flags: { port: number; host: string }): Promise<void> {
  const server = await servePack(fromHere(folder), flags)
  console.error(`pictalk: serving ${folder} at ${server.url}; stop with Ctrl+C`)
  await new Promise((stop) => interrupted.signal.addEventListener('abort', stop))
  await server.close()
}

async function caption(
  pack: string,
  images: string[],
  flags: AnswerFlags & { json?: boolean },
): Promise<void> {
  const model = await load(pack)
  let failures = 0
  for (const image of images) {
    try {
      const result = await captionOne(model, image, flags)
      console.log(
        flags.json ? JSON.stringify(result) : images.length === 1 ? result.text : `${image}: ${result.text}`,
      )
    } catch (error) {
      if (images.length === 1) throw error
      // One bad picture must not cost the others.
      failures += 1
      complain(error, image)
    }
  }
  await model.dispose()
  if (failures > 0) process.exitCode = 1
}

interface CaptionResult {
  image: string
  text: string
  token_ids: number[]
  finish: string
  answers: AnswerResult[]
  ms: { read: number; vision: number; q_former: number; prefill: number; decode: number }
}

interface AnswerResult {
  text: string
  token_ids: number[]
  score: number
}

async function captionOne(model: TalkingModel, image: string, flags: AnswerFlags): Promise<CaptionResult> {
  const settings = decodingSettings(flags)
  const started = performance.now()
  const pixels = await readPixels(model, image, flags.alpha)
  const read = performance.now()
  const { embeddings, ms } = await model.look.see(pixels)
  const seen = performance.now()
  const discussion = model.talk.discuss({ embeddings })
  try {
    const { last, firstAt } = await finished(
      discussion.answer(flags.prompt, { settings, signal: interrupted.signal }),
    )
    return {
      image,
      text: last.text,
      token_ids: last.tokenIds,
      finish: last.finish ?? 'limit',
      answers: last.answers.map(answerResult),
      ms: {
        read: round(read - started),
        vision: round(ms.vision),
        q_former: round(ms.qFormer),
        prefill: round(firstAt - seen),
        decode: round(performance.now() - firstAt),
      },
    }
  } finally {
    discussion.dispose()
  }
}

/** The last state of an answer, and when its first token came. */
async function finished(answer: AsyncIterable<AnswerSoFar>): Promise<{ last: AnswerSoFar; firstAt: number }> {
  let last: AnswerSoFar | undefined
  let firstAt = performance.now()
  for await (const soFar of answer) {
    if (last === undefined) firstAt = performance.now()
    last = soFar
  }
  if (last === undefined) throw new AppError('bug', 'The answer was empty.')
  return { last, firstAt }
}

function answerResult({ text, tokenIds, score }: Answer): AnswerResult {
  return { text, token_ids: tokenIds, score }
}

interface AskFlags extends PictureFlags, DecodingFlags {
  question: string[]
  template?: string
  json?: boolean
}

/** Each question is the next turn of one conversation. */
async function ask(pack: string, image: string, flags: AskFlags): Promise<void> {
  const settings = decodingSettings(flags)
  const model = await load(pack)
  const discussion = model.talk.discuss(await model.look.see(await readPixels(model, image, flags.alpha)))
  try {
    const turns: Turn[] = []
    for (const question of flags.question) {
      const options = { settings, signal: interrupted.signal, template: flags.template }
      const { last } = await finished(discussion.ask(turns, question, options))
      turns.push({ question, answer: last.text })
      const { prompt, text, tokenIds, answers, prefilled, dropped } = last
      const report = {
        question,
        prompt,
        ids: tokenIds,
        text,
        scores: answers.map(({ score }) => score),
        answers: answers.map(answerResult),
        tokens_prefilled: prefilled,
        turns_dropped: dropped,
      }
      console.log(flags.json ? JSON.stringify(report) : text)
      if (dropped > 0 && flags.json !== true)
        console.error(`pictalk: the ${dropped} oldest turns no longer fit and were left out.`)
    }
  } finally {
    discussion.dispose()
    await model.dispose()
  }
}

async function trace(
  pack: string,
  image: string,
  flags: PictureFlags & { prompt: string; maxNewTokens: number; out: string },
): Promise<void> {
  const model = await load(pack)
  const pixels = await readPixels(model, image, flags.alpha)
  const tokenIds = (await captionOne(model, image, flags)).token_ids
  const promptIds = model.talk.promptIds(flags.prompt)
  await writeSafetensors(fromHere(flags.out), [
    ...(await traceStages(model, pixels, promptIds, tokenIds)),
    { name: 'token_ids', shape: [tokenIds.length], values: BigInt64Array.from(tokenIds, BigInt) },
  ])
  await model.dispose()
}

async function load(pack: string): Promise<TalkingModel> {
  const reader = await openPackFolder(fromHere(pack))
  return openTalkingModel(reader, await openCompute('wasm'), { signal: interrupted.signal })
}

async function readPixels(model: TalkingModel, image: string, alpha: Alpha): Promise<Pixels> {
  const path = fromHere(image)
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new AppError('not-found', `${image} cannot be read; check that the file is there.`, { cause })
  })
  return preprocess(await decodeImage(bytes, alpha), model.manifest.preprocessing)
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}

function withPictureFlags(command: Command): Command {
  return command.addOption(
    new Option('--alpha <how>', 'translucent pictures: keep stored colours, or lay them on white')
      .choices(['drop', 'white'])
      .default('drop'),
  )
}

function portNumber(text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('give a whole number from 0 to 65535.')
  return value
}

function withPrompt(command: Command): Command {
  return command.option('--prompt <text>', 'what the answer goes on from; empty for a plain caption', '')
}

function program(): Command {
  const root = new Command('pictalk')
    .description('BLIP-2 packs: convert, inspect, verify, serve, caption, ask, trace')
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
  root.command('verify <pack>').description('check every chunk of a pack against its hash').action(verify)
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

function complain(error: unknown, about?: string): void {
  const { code, message } = toFailure(error)
  console.error(`pictalk: ${about === undefined ? '' : `${about}: `}${message} [${code}]`)
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
    complain(new AppError('bad-usage', `${why}; see --help.`))
  } else if (process.exitCode !== 0) {
    complain(error)
  }
}
