/** Answers the calls that run models, over whatever port they come. */
import { serve, type Port } from '../protocol/rpc.ts'
import { batch } from './batch.ts'
import { attend, classify, embed, match } from './compare.ts'
import { search } from './search.ts'
import { ask, caption, trace, type Run } from './talk.ts'
import type { Line, TalkCalls } from './talk-calls.ts'

export function serveTalk(port: Port): void {
  serve<TalkCalls>(port, {
    caption: (request, report, signal) => caption(request, running(report, signal)),
    batch: (request, report, signal) => batch(request, running(report, signal)),
    ask: (request, report, signal) => ask(request, running(report, signal)),
    trace: (request, report, signal) => trace(request, running(report, signal)).then(() => null),
    match: (request, report, signal) => match(request, running(report, signal)),
    classify: (request, report, signal) => classify(request, running(report, signal)),
    search: (request, report, signal) => search(request, running(report, signal)),
    embed: (request, report, signal) => embed(request, running(report, signal)).then(() => null),
    attend: (request, report, signal) => attend(request, running(report, signal)).then(() => null),
  })
}

function running(report: (line: Line) => void, signal: AbortSignal): Run {
  return { signal, print: (line) => report({ print: line }), remark: (line) => report({ remark: line }) }
}
