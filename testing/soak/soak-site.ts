/** The page as it ships, and beside it what a soak counts with (`inside.ts`); not minified, so that classes have names. */
import { copyFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'vite'

/** What is imported first, by what it is imported into. */
const INSIDE: Readonly<Record<string, string>> = {
  'src/main.tsx': 'testing/soak/inside-page.ts',
  'src/engine/engine.worker.ts': 'testing/soak/inside-engine.ts',
}

function withInside(): Plugin {
  return {
    name: 'soak-inside',
    enforce: 'pre',
    transform(code, id) {
      const into = Object.keys(INSIDE).find((path) => resolve(path) === id)
      if (into === undefined) return null
      return { code: `import ${JSON.stringify(resolve(INSIDE[into] ?? ''))}\n${code}`, map: null }
    },
  }
}

/** Builds it into `folder`. */
export async function buildSoakSite(folder: string): Promise<void> {
  await build({
    logLevel: 'error',
    plugins: [withInside()],
    worker: { plugins: () => [withInside()] },
    build: { outDir: folder, emptyOutDir: true, minify: false },
  })
  copyFileSync('testing/images/good-rgb.png', join(folder, 'soak.png'))
  writeFileSync(join(folder, 'soak-idle.js'), '')
}
