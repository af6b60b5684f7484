/**
 * Puts together everything that the run on a real GPU needs, for a bare Linux machine (x86-64) with an NVIDIA card,
 * python3 with torch and transformers, and no network:
 *   npx tsx scripts/real-gpu/build.ts [--out packs/real-gpu] [--no-node]
 * There: `python3 <folder>/run.py --out <results>`. The folder holds Node, Dawn, ONNX Runtime's wasm, our code as one
 * file, and the scripts beside this one; large files are compressed and unpacked by run.py.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'packs/real-gpu' },
    'no-node': { type: 'boolean', default: false },
  },
})
const HERE = fileURLToPath(new URL('.', import.meta.url))
const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url))

/** `from` → `<name>.xz` in the folder. */
function compress(from: string, name: string, strip = false): void {
  const to = join(values.out, name)
  copyFileSync(from, to)
  if (strip) execFileSync('strip', [to])
  execFileSync('xz', ['-6', '--force', to])
}

async function main(): Promise<void> {
  rmSync(values.out, { recursive: true, force: true })
  mkdirSync(values.out, { recursive: true })
  await build({
    entryPoints: [join(HERE, 'measure.ts')],
    outfile: join(values.out, 'measure.mjs'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Only the asyncify build runs in Node; the other two are never asked for.
    external: ['onnxruntime-web/jspi', 'onnxruntime-web/wasm'],
    logLevel: 'warning',
  })
  compress(join(MODULES, 'webgpu/dist/linux-x64/dawn.node'), 'dawn.node', true)
  compress(
    join(MODULES, 'onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm'),
    'ort-wasm-simd-threaded.asyncify.wasm',
  )
  if (!values['no-node']) compress(process.execPath, 'node', true)
  for (const script of ['run.py', 'torch_baseline.py'])
    copyFileSync(join(HERE, script), join(values.out, script))
  const bytes = readdirSync(values.out).reduce((sum, name) => sum + statSync(join(values.out, name)).size, 0)
  console.log(`${values.out}: ${(bytes / 2 ** 20).toFixed(1)} MiB`)
}

await main()
