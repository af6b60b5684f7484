/** Assembles `src/convert/simd/quantise.wat` into the module beside it: `npm run wasm`. */
import { writeFileSync } from 'node:fs'
import { assembled, GENERATED } from './assemble.ts'

writeFileSync(GENERATED, await assembled())
