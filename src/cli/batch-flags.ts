/** The flags that say how a folder is captioned. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { AppError } from '../pack/failure.ts'
import { EXISTING } from '../studio/compose.ts'
import { FORMATS, TABLES } from '../studio/formats/formats.ts'
import { parseShard, WHOLE, type Shard } from '../studio/shard.ts'

export function withBatchFlags(command: Command): Command {
  return withBom(
    command
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
      .option('--json', 'one JSON object per picture')
      .addHelpText(
        'after',
        '\nIn --prompt, --trigger, --prefix and --suffix {name} stands for the name of each file, {folder} for that of its\nfolder, and {caption} for the caption that is there.',
      ),
  )
}

export function withTableFlags(command: Command): Command {
  return withBom(
    command.addOption(
      new Option('--format <name>', 'the table').choices(Object.keys(TABLES)).default('jsonl'),
    ),
  )
}

function withBom(command: Command): Command {
  return command.option('--bom', 'begin a CSV file with a byte order mark, for spreadsheets')
}

function shardArgument(text: string): Shard {
  try {
    return parseShard(text)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof AppError ? error.message : String(error))
  }
}
