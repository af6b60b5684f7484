/** The store's contract as two files for any page: the page itself and its thread. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Puts them into a folder that is served; `contract.html` there is the page. */
export async function writeContractPage(folder: string): Promise<void> {
  await build({
    entryPoints: { contract: 'testing/store/page.ts', 'contract.worker': 'testing/store/page.worker.ts' },
    outdir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    logLevel: 'error',
  })
  const page = '<!doctype html><title>contract</title><script type="module" src="contract.js"></script>'
  writeFileSync(join(folder, 'contract.html'), page)
}
