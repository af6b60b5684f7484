/** What a budget means, in the words of offers and of loaded models alike. */
import type { ContextReport, MemoryReport } from './device-report.ts'

const CONTEXT: Record<ContextReport['why'], string> = {
  model: 'all that the model can',
  memory: 'as many as fit into half of the memory that the browser reports, beside the model',
  'assumed-memory':
    'the browser does not tell its memory, so that of a usual device is assumed, half of it for the model',
  buffer: 'as many as fit into one buffer of the device',
  wasm: 'as many as WebAssembly can hold beside the model',
}

/** How long a conversation may be, and why. */
export function contextText({ positions, possible, why }: ContextReport): string {
  return `${positions} of ${possible} positions, picture included: ${CONTEXT[why]}`
}

/** Whether what looks stays loaded, and why. */
export function memoryText({ keepsAll, why }: MemoryReport): string {
  const what = keepsAll
    ? 'Everything stays loaded.'
    : 'Vision encoder and Q-Former are put away between pictures.'
  return `${what} ${why}`
}
