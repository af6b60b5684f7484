/** The commands and flags of the command line: what may be asked, and how a call that asks for something else ends. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { AppError } from '../pack/failure.ts'
import { PRECISIONS } from '../pack/precisions.ts'
import { PUBLIC_HUB } from '../remote/hub.ts'
import { START_TEMPERATURE } from '../runtime/retrieval/scores.ts'
import { QUESTION_TEMPLATE } from '../runtime/talk/dialogue.ts'
import type { Commands } from './commands.ts'
import { withBatchFlags, withTableFlags } from './batch-flags.ts'
import { collect, wholeNumber, withDecodingFlags } from './decoding-flags.ts'
import { remark } from './output.ts'
import { sentenceOf } from './sentence.ts'

/**
 * Does what `args` ask for and gives the exit status: 0, 1 for anything that failed, 2 for a command that was called
 * wrongly. What is wrong is said in a sentence on stderr.
 */
export async function runCommandLine(args: readonly string[], commands: Commands): Promise<number> {
  let failures = 0
  try {
    await programOf(commands, (count) => (failures = count)).parseAsync(args, { from: 'user' })
    return failures === 0 ? 0 : 1
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const failure = error instanceof CommanderError ? wrongCall(error) : error
    remark(sentenceOf(failure))
    return failure instanceof AppError && failure.code === 'bad-usage' ? 2 : 1
  }
}

function wrongCall({ code, message }: CommanderError): AppError {
  const why =
    code === 'commander.help' ? 'no command was given' : message.replace(/^error: /, '').replace(/\.$/, '')
  return new AppError('bad-usage', `${why}; see --help.`)
}

export function programOf(commands: Commands, onFailures: (count: number) => void): Command {
  const run: Running =
    (command) =>
    async (...args) =>
      onFailures(await command(...args))

  const root = new Command('pictalk')
    .description(
      'BLIP-2 packs: convert, inspect, verify, serve, caption, batch, metadata, ask, trace, match, embed, attend, search, classify',
    )
    .exitOverride()
  root.configureOutput({ writeErr: () => undefined })
  root
    .command('convert')
    .description('turn a Hugging Face checkpoint into a pack')
    .requiredOption(
      '--from <source>',
      'a folder, hub:owner/name[@revision], the URL of a folder, or a .pth file of LAVIS',
    )
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
    .option(
      '--vision <file>',
      'the frozen vision encoder that a file of LAVIS leaves out, such as eva_vit_g.pth',
    )
    .option(
      '--language <source>',
      'the language model that a file of LAVIS leaves out, such as hub:facebook/opt-2.7b',
    )
    .addOption(
      new Option('--hub <url>', 'the hub, or a mirror of it; a token is read from HF_TOKEN')
        .env('HF_ENDPOINT')
        .default(PUBLIC_HUB),
    )
    .action(run(commands.convert))
  root
    .command('inspect <pack>')
    .description('say what is in a pack')
    .option('--json', 'the manifest as JSON')
    .action(run(commands.inspect))
  root
    .command('verify <pack>')
    .description('check every chunk of a pack against its hash, and graphs against the manifest')
    .action(run(commands.verify))
  root
    .command('serve <folder>')
    .description('hand packs or checkpoints to others: a static server with ranges, ETags and CORS')
    .option('--port <n>', 'port; 0 takes a free one', wholeNumber(0, 65535), 8017)
    .option('--host <address>', 'address to listen on; 0.0.0.0 for the whole network', '127.0.0.1')
    .action(run(commands.serve))
  withDecodingFlags(
    withPictureFlags(withPrompt(root.command('caption <pack> <image...>').description('caption pictures'))),
  )
    .option('--json', 'one JSON object per picture')
    .action(run(commands.caption))
  withBatchFlags(
    withDecodingFlags(
      withPictureFlags(
        withPrompt(root.command('batch <pack> <folder>').description('caption a folder of pictures')),
      ),
    ),
  ).action(run(commands.batch))
  withTableFlags(
    root
      .command('metadata <folder>')
      .description('join what shares of a folder wrote (batch --shard) into one table'),
  ).action(run(commands.metadata))
  withDecodingFlags(
    withPictureFlags(root.command('ask <pack> <image>').description('hold a conversation about a picture')),
  )
    .requiredOption('--question <text>', 'a question; each further one is the next turn', collect)
    .option('--template <text>', 'how a question is put', QUESTION_TEMPLATE)
    .option('--json', 'one JSON object per turn')
    .action(run(commands.ask))
  withPictureFlags(
    withPrompt(
      root.command('trace <pack> <image>').description('write every stage of one picture as safetensors'),
    ),
  )
    .option('--max-new-tokens <n>', 'longest answer', wholeNumber(1, 4096), 30)
    .requiredOption('--out <file>', 'the safetensors file to write')
    .action(run(commands.trace))
  addComparisons(root, commands, run)
  for (const command of root.commands) command.exitOverride().configureOutput({ writeErr: () => undefined })
  return root
}

type Running = <A extends unknown[]>(
  command: (...args: A) => Promise<number>,
) => (...args: A) => Promise<void>

/** Commands for models that compare pictures with texts. */
function addComparisons(root: Command, commands: Commands, run: Running): void {
  withPictureFlags(
    root.command('match <pack> <image...>').description('say how well texts fit pictures, pair by pair'),
  )
    .requiredOption('--text <text>', 'a text, which is not cut; may be given several times', collect)
    .option('--json', 'one JSON object per pair')
    .action(run(commands.match))
  withPictureFlags(
    root.command('embed <pack>').description('write the vectors of pictures and texts as safetensors'),
  )
    .option('--image <file>', 'a picture; may be given several times', collect)
    .option('--text <text>', 'a text; may be given several times', collect)
    .requiredOption('--out <file>', 'the safetensors file to write')
    .action(run(commands.embed))
  withPictureFlags(
    root.command('attend <pack> <image>').description('write where the Q-Former looks in a picture'),
  )
    .option('--text <text>', 'a text that its queries see')
    .requiredOption('--out <file>', 'a .safetensors file of the values, or a .png that shows them')
    .action(run(commands.attend))
  withPictureFlags(
    root.command('search <pack> <folder>').description('find the pictures of a folder that a text fits best'),
  )
    .requiredOption('--text <text>', 'what to look for')
    .option('--top <n>', 'how many to name', wholeNumber(1, 1e6), 20)
    .option('--json', 'one JSON object per picture')
    .action(run(commands.search))
  withPictureFlags(
    root.command('classify <pack> <image...>').description('say which label fits a picture, and how likely'),
  )
    .requiredOption('--label <text>', 'a label; may be given several times', collect)
    .option('--template <text>', 'the sentence that a label is put into, at {}', 'a picture of {}')
    .option(
      '--temperature <n>',
      `what likeness is divided by before it becomes a probability; left out, where the model's training ended, or (most checkpoints do not say) ${START_TEMPERATURE}, where it starts`,
      temperature,
    )
    .option('--json', 'one JSON object per picture')
    .action(run(commands.classify))
}

function temperature(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('give a number above 0.')
  return value
}

function withPictureFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--alpha <how>', 'translucent pictures: keep stored colours, or lay them on white')
        .choices(['drop', 'white'])
        .default('drop'),
    )
    .addOption(
      new Option('--provider <name>', 'compute on the processor (wasm) or the graphics card (webgpu)')
        .choices(['wasm', 'webgpu'])
        .default('wasm'),
    )
    .addOption(
      new Option('--kernels <where>', 'kernels of our own on the card, once they pass their test there')
        .choices(['auto', 'always', 'never'])
        .default('never'),
    )
    .option(
      '--timeout <seconds>',
      'give up after so long; a pack may hold what never ends',
      wholeNumber(1, 1e6),
    )
}

function withPrompt(command: Command): Command {
  return command.option('--prompt <text>', 'what the answer goes on from; empty for a plain caption', '')
}
