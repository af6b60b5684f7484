/** The command line: `npm run --silent pictalk -- <command>`. Answers go to stdout, everything else to stderr. */
import { commandsOf } from './commands.ts'
import { endWhereNobodyReads } from './output.ts'
import { runCommandLine } from './program.ts'

const interrupted = new AbortController()
endWhereNobodyReads()
process.once('SIGINT', () => interrupted.abort())
process.exitCode = await runCommandLine(process.argv.slice(2), commandsOf(interrupted.signal))
