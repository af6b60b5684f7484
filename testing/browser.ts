/** Which Chromium the tests use: an installed one when there is one, else the one that Playwright brings. */
import { existsSync } from 'node:fs'

const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Path of an installed browser (`CHROMIUM_PATH` wins), or undefined: then Playwright's own is used. */
export function installedChromium(): string | undefined {
  const named = process.env['CHROMIUM_PATH']
  return [...(named ? [named] : []), ...INSTALLED].find((path) => existsSync(path))
}

/**
 * Headless Chromium with WebGPU on its software adapter, so that results do not depend on the machine's GPU.
 * The headless shell has no WebGPU, hence the `chromium` channel.
 */
export function launchOptions(): { executablePath?: string; channel?: string; args: string[] } {
  const executablePath = installedChromium()
  const root = process.getuid?.() === 0
  return {
    ...(executablePath ? { executablePath } : { channel: 'chromium' }),
    args: [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...(root ? ['--no-sandbox'] : []),
    ],
  }
}
