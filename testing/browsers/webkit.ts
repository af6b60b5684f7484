/** WebKitGTK's own small browser on a display that nobody sees, driven over WebDriver. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Builder, By, Capabilities, Key, type WebDriver } from 'selenium-webdriver'
import { freePort } from '../servers/built-site.ts'
import type { Browser, BrowserKind, Tab } from './browser.ts'

const DRIVER = '/usr/bin/WebKitWebDriver'
const DISPLAY_SERVER = '/usr/bin/Xvfb'
const ANSWER_MS = 60_000

/** A function in the page whose promise is waited for; what it throws comes back as text. */
const WAITED_FOR = `
  const done = arguments[1];
  (async () => (WORK)(arguments[0]))().then((value) => done({ value }), (error) => done({ error: String(error) }))`

interface Settled<T> {
  value: T
  error?: string
}

export const webkit: BrowserKind = {
  name: 'WebKit',
  // Under automation it keeps everything in memory.
  keepsProfile: false,
  missing() {
    if (!existsSync(DRIVER)) return 'WebKitGTK (Debian: webkit2gtk-driver)'
    return existsSync(DISPLAY_SERVER) ? null : 'a display without a screen (Debian: xvfb)'
  },
  async launch(profile): Promise<Browser> {
    const display = spawn(
      DISPLAY_SERVER,
      ['-displayfd', '3', '-terminate', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      },
    )
    const number = await firstLine(display.stdio[3] as Readable)
    const port = await freePort()
    const server = spawn(DRIVER, [`--port=${port}`], {
      stdio: 'ignore',
      env: {
        ...process.env,
        DISPLAY: `:${number}`,
        HOME: profile,
        XDG_DATA_HOME: profile,
        XDG_CACHE_HOME: profile,
      },
    })
    const driver = await connect(`http://127.0.0.1:${port}`)
    const first = await driver.getWindowHandle()
    let firstIsFree = true
    return {
      version: await versionOf(driver),
      async open() {
        if (!firstIsFree) await driver.switchTo().newWindow('tab')
        const handle = firstIsFree ? first : await driver.getWindowHandle()
        firstIsFree = false
        return tabOf(driver, handle)
      },
      async close() {
        await driver.quit()
        await ended(server)
        await ended(display)
      },
    }
  },
}

/** The driver takes a moment until it listens. */
async function connect(url: string): Promise<WebDriver> {
  const capabilities = new Capabilities({ browserName: 'MiniBrowser' })
  for (let attempt = 1; ; attempt += 1) {
    try {
      await fetch(`${url}/status`)
      break
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const driver = await new Builder().usingServer(url).withCapabilities(capabilities).build()
  await driver.manage().setTimeouts({ script: ANSWER_MS, pageLoad: ANSWER_MS })
  // The whole of the screen, as in the other browsers: behind the sheet a narrower window has what is pressed.
  await driver.manage().window().setRect({ x: 0, y: 0, width: 1280, height: 900 })
  return driver
}

async function versionOf(driver: WebDriver): Promise<string> {
  const capabilities = await driver.getCapabilities()
  return `${String(capabilities.get('browserName'))} ${String(capabilities.get('browserVersion'))}`
}

function tabOf(driver: WebDriver, handle: string): Tab {
  // One driver serves all tabs, so whoever acts in one goes there first.
  const here = async (): Promise<WebDriver> => {
    await driver.switchTo().window(handle)
    return driver
  }
  return {
    goto: async (url) => (await here()).get(url),
    reload: async () => (await here()).navigate().refresh(),
    run: async (work, input) => {
      const script = WAITED_FOR.replace('WORK', () => String(work))
      const { value, error } = await (await here()).executeAsyncScript<Settled<never>>(script, input)
      if (error !== undefined) throw new Error(error)
      return value
    },
    click: async (xpath) => (await here()).findElement(By.xpath(xpath)).click(),
    type: async (xpath, text) =>
      (await here()).findElement(By.xpath(xpath)).sendKeys(text.replaceAll('\n', Key.ENTER)),
    close: async () => (await here()).close(),
  }
}

function firstLine(output: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: output })
    lines.once('line', resolve)
    lines.once('close', () => reject(new Error('The display server ended at once.')))
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.kill()
  })
}
