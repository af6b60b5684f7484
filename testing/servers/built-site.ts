import { cpSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { preview, type PreviewServer } from 'vite'
import { CONTENT_SECURITY_POLICY_HEADER } from '../../scripts/content-security-policy.ts'

/** The built page on a port of its own; stopped and started again it is the same site to the browser. */
export interface BuiltSite {
  url: string
  /** What is served: a copy of `dist`, which may be changed. */
  folder: string
  start(): Promise<void>
  stop(): Promise<void>
}

/** Copies the page that was built into `built` into `root`, to be served on `port`. */
export function openBuiltSite(root: string, port: number, built = 'dist'): BuiltSite {
  const folder = join(root, 'dist')
  cpSync(built, folder, { recursive: true })
  let server: PreviewServer | null = null
  return {
    url: `http://localhost:${port}/`,
    folder,
    async start() {
      const headers = { 'Content-Security-Policy': CONTENT_SECURITY_POLICY_HEADER }
      server = await preview({
        configFile: false,
        root,
        build: { outDir: 'dist' },
        preview: { port, strictPort: true, headers },
        logLevel: 'error',
      })
    },
    async stop() {
      await server?.close()
      server = null
    },
  }
}

/** A port that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
