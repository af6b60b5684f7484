import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { preview } from 'vite'
import { launchOptions } from '../scripts/browser.ts'
import { AppPage, expect, test } from './fixtures.ts'

const NAME = 'good-rgb.png'

test('Users can go on talking after the server stopped and the browser was restarted', async () => {
  const profile = mkdtempSync(join(tmpdir(), 'pictalk-profile-'))
  // A server of its own, so that it can be stopped.
  const port = Number(process.env['PICTALK_PORT']) + 1
  const server = await preview({ preview: { port, strictPort: true } })
  const baseURL = `http://localhost:${port}`
  const visit = async (work: (app: AppPage) => Promise<void>): Promise<void> => {
    const context = await chromium.launchPersistentContext(profile, { ...launchOptions(), baseURL })
    try {
      await work(new AppPage(context.pages()[0] ?? (await context.newPage())))
    } finally {
      await context.close()
    }
  }
  try {
    await visit(async (app) => {
      await app.open('?provider=wasm')
      await app.choose(`e2e/images/${NAME}`)
      await app.finished(NAME)
      await expect
        .poll(() =>
          app.page.evaluate(async () => {
            const registration = await navigator.serviceWorker.getRegistration()
            const wasm = await (await caches.open('pictalk-runtime')).keys()
            return registration?.active?.state === 'activated' && wasm.length > 0
          }),
        )
        .toBe(true)
    })
    await server.close()
    await visit(async (app) => {
      await app.open()
      await app.finished(NAME)
      await app.ask('what is in the picture?')
      await app.finished(`${NAME}: what is in the picture?`)
      await app.choose('e2e/images/good-palette.png')
      await app.finished('good-palette.png')
    })
  } finally {
    await server.close().catch(() => undefined)
    rmSync(profile, { recursive: true, force: true })
  }
})
