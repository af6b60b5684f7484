/**
 * Tests that share a process with others of these, since to begin one for each file takes longer than most of them do. They
 * load no model and put back what they change of the globals; that they mock no module and measure no memory, lint says.
 */
export const TOGETHER = [
  'src/{messages,pack,protocol,scenes,search,state,studio,ui}/**/*.test.{ts,tsx}',
  'src/conversation/!(large-export).test.ts',
  'src/convert/*.test.ts',
  'src/convert/{families,lavis,tokenizer,torch}/**/*.test.ts',
  'src/runtime/{decode,limits,retrieval}/**/*.test.ts',
  'src/runtime/language/!(decoder-only).test.ts',
  'src/runtime/talk/!(together).test.ts',
  'src/runtime/wgsl/{decoder,kernels,vision}/**/*.test.ts',
  'lab/{speed,built-in-model/card}/**/*.test.ts',
  'scripts/gate/{reports,summary}.test.ts',
]
