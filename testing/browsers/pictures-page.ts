/** The table of pictures and the decoder that ships as a page for any browser. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** What the page's own bundler makes of `?url`: a file beside the script, and its address. */
const addresses: Plugin = {
  name: 'addresses',
  setup(bundler) {
    bundler.onResolve({ filter: /\?url$/ }, ({ path, importer }) => ({
      path: createRequire(importer).resolve(path.replace(/\?url$/, '')),
      namespace: 'address',
    }))
    bundler.onLoad({ filter: /./, namespace: 'address' }, ({ path }) => ({
      contents: readFileSync(path),
      loader: 'file',
    }))
  },
}

/** Puts it into a folder that is served; `pictures.html` there is the page. */
export async function writePicturesPage(folder: string): Promise<void> {
  await build({
    entryPoints: { pictures: 'testing/pictures/page.ts' },
    outdir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    logLevel: 'error',
    plugins: [addresses],
  })
  cpSync('testing/pictures/files', join(folder, 'pictures'), { recursive: true })
  const page = '<!doctype html><title>pictures</title><script type="module" src="pictures.js"></script>'
  writeFileSync(join(folder, 'pictures.html'), page)
}
