import { readFileSync } from 'node:fs'
import wabt from 'wabt'

const SOURCE = 'src/convert/simd/quantise.wat'
export const GENERATED = 'src/convert/simd/quantise.gen.ts'

/** The text of the module that holds the assembled bytes. */
export async function assembled(): Promise<string> {
  const assembler = await wabt()
  const module = assembler.parseWat(SOURCE, readFileSync(SOURCE), { simd: true })
  try {
    module.validate()
    const { buffer } = module.toBinary({})
    const text = Buffer.from(buffer).toString('base64')
    return `/** Made by \`npm run wasm\` from quantise.wat: ${buffer.length} bytes. */\nexport const QUANTISE_WASM =\n  '${text}'\n`
  } finally {
    module.destroy()
  }
}
