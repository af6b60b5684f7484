import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { test as base, expect, type Locator, type Page } from '@playwright/test'
import { smallModel } from '../testing/small-model.ts'

/** The page as a person meets it: roles and labels only. */
export class AppPage {
  readonly page: Page
  readonly model: Locator
  readonly conversation: Locator
  readonly list: Locator
  readonly chip: Locator
  readonly sheet: Locator

  constructor(page: Page) {
    this.page = page
    this.model = page.getByRole('region', { name: 'Model' })
    // There on a phone as well, folded away.
    this.chip = page.getByRole('button', { name: /^Model:/, includeHidden: true })
    this.sheet = page.getByRole('dialog', { name: 'Model, device and settings' })
    this.list = page.getByRole('navigation', { name: 'Conversations' })
    this.conversation = page.getByRole('log', { name: 'Conversation' })
  }

  /** On WebAssembly, which is many times faster here than WebGPU on a software adapter. */
  async open(query = '?provider=wasm'): Promise<void> {
    await this.page.goto(`/${query}`)
    await this.ready()
  }

  /** Waits until the model can answer. */
  async ready(): Promise<void> {
    await expect(this.chip).toContainText(/ready$/)
  }

  /** Opens the conversations where they are folded away, on a phone. */
  async unfold(): Promise<void> {
    await expect(this.chip).toBeAttached()
    const menu = this.page.getByRole('button', { name: 'Conversations and model' })
    if ((await menu.isVisible()) && !(await this.list.isVisible())) await menu.click()
  }

  /** Opens what the page says about its model, its device and its settings. */
  async openSheet(): Promise<void> {
    await this.unfold()
    await this.chip.click()
    await expect(this.sheet).toBeVisible()
  }

  async closeSheet(): Promise<void> {
    await this.sheet.getByRole('button', { name: 'Close' }).click()
    await expect(this.sheet).toHaveCount(0)
  }

  async openSettings(): Promise<void> {
    if (!(await this.sheet.isVisible())) await this.openSheet()
    await this.page.getByText('Settings', { exact: true }).click()
  }

  /** For tests that are about WebGPU, or need a device that takes its time. */
  async openOnWebGpu(): Promise<void> {
    await this.open('?provider=webgpu')
    await this.openSheet()
    await expect(this.model).toContainText('Runs on WebGPU')
    await this.closeSheet()
  }

  /** Opens the page and has a picture captioned. Returns the caption's words. */
  async openWith(path: string): Promise<string> {
    await this.open()
    await this.choose(path)
    return this.finished(basename(path))
  }

  /** The same page in another tab of this browser. */
  async beside(): Promise<AppPage> {
    const other = new AppPage(await this.page.context().newPage())
    await other.open()
    return other
  }

  /** To this tab from one beside it: what lies behind draws a frame a second, and a click waits for two. */
  comeBack(): Promise<void> {
    return this.page.bringToFront()
  }

  /** From now on answers have at least so many tokens, so that something can be done while one is being written. */
  async answerAtLength(tokens = 150): Promise<void> {
    await this.openSettings()
    await this.page.getByLabel('How to answer').selectOption('My own')
    await this.changeLength(tokens)
    await this.closeSheet()
  }

  /** The same for whoever has said already that answers have a length. */
  async changeLength(tokens: number): Promise<void> {
    await this.page.getByLabel('Longest answer').fill(`${tokens}`)
    await this.page.getByLabel('Shortest answer').fill(`${tokens}`)
  }

  /** From whatever was talked about to an empty page, as it was opened but for what is kept. */
  async startAnew(): Promise<void> {
    await this.page.getByRole('button', { name: 'New', exact: true }).click()
    await expect(this.page.getByRole('button', { name: /^Choose pictures/ })).toBeVisible()
    await expect(this.conversation).toHaveCount(0)
  }

  async choose(...paths: string[]): Promise<void> {
    const chooser = this.page.waitForEvent('filechooser')
    const field = this.page.getByRole('button', { name: /^Choose pictures/ })
    const more = this.page.getByRole('button', { name: 'Add a picture' })
    // Whichever is there: the one may take the place of the other just now, when kept conversations come.
    await field.or(more).click()
    const item = this.page.getByRole('menuitem', { name: 'Choose image' })
    const menu = item.waitFor().catch(() => undefined)
    await Promise.race([chooser, menu])
    if (await item.isVisible()) await item.click()
    await (await chooser).setFiles(paths)
  }

  /** Drops a file on the page as a browser would report it. */
  async drop(path: string, type: string): Promise<void> {
    const bytes = [...readFileSync(path)]
    const data = await this.page.evaluateHandle(
      ({ bytes, name, type }) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([new Uint8Array(bytes)], name, { type }))
        return transfer
      },
      { bytes, name: basename(path), type },
    )
    for (const event of ['dragover', 'drop'])
      await this.page.getByRole('main').dispatchEvent(event, { dataTransfer: data })
  }

  async paste(path: string, type: string): Promise<void> {
    await this.page.evaluate(
      ({ bytes, name, type }) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([new Uint8Array(bytes)], name, { type }))
        document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }))
      },
      { bytes: [...readFileSync(path)], name: basename(path), type },
    )
  }

  /** The answer about a picture, by its place or by its name (with the question: `name: question`). */
  answer(which: number | string): Locator {
    return typeof which === 'number'
      ? this.conversation.getByRole('article').nth(which)
      : this.conversation.getByRole('article', { name: which, exact: true })
  }

  /** Waits until an answer is finished and returns its words. */
  async finished(which: number | string): Promise<string> {
    await expect(this.about(which)).toBeVisible()
    return this.answer(which).innerText()
  }

  /** What a finished answer is asked about itself with. */
  about(which: number | string): Locator {
    return this.answer(which).getByRole('button', { name: 'About this answer' })
  }

  /** How a finished answer came about: times, speed, what was read. */
  async factsOf(which: number | string): Promise<string> {
    await this.about(which).click()
    return this.answer(which).innerText()
  }

  /** Goes to the conversation about a picture of this name; on a phone the list is folded away at first. */
  async reopen(name: string): Promise<void> {
    await this.unfold()
    await this.list.getByTitle(name, { exact: true }).click()
  }

  /** Types a question and sends it with Enter. */
  async ask(question: string): Promise<void> {
    const box = this.page.getByRole('textbox', { name: 'Ask about the image' })
    await box.fill(question)
    await box.press('Enter')
    await expect(box).toHaveValue('')
    await expect(box).toBeFocused()
  }
}

/** What a test expects that would otherwise be a complaint: other servers it visits, errors that the browser logs. */
export interface Expected {
  origins: string[]
  errors: RegExp[]
}

interface Fixtures {
  app: AppPage
  expected: Expected
  /**
   * What lies in the built-in model's place: `small` is for tests on WebGPU that are not about what is answered. On a
   * software adapter it is done many times sooner.
   */
  builtIn: 'itself' | 'small'
}

/** Made once, when the first test of a process asks for it. */
let smallFiles: ReturnType<typeof smallModel> | undefined

async function serveSmallModel(page: Page): Promise<void> {
  const read = async (path: string): Promise<ArrayBuffer> => new Uint8Array(await readFile(path)).buffer
  smallFiles ??= smallModel(read, { name: 'drawn-scenes' })
  const files = await smallFiles
  await page.route('**/models/drawn-scenes/*', async (route) => {
    const bytes = files.get(basename(new URL(route.request().url()).pathname))
    await route.fulfill(bytes === undefined ? { status: 404 } : { body: Buffer.from(bytes) })
  })
}

export const test = base.extend<Fixtures>({
  builtIn: ['itself', { option: true }],
  expected: async ({}, use) => use({ origins: [], errors: [] }),
  app: async ({ page, baseURL, expected, builtIn }, use) => {
    if (builtIn === 'small') await serveSmallModel(page)
    const complaints: string[] = []
    const complain = (text: string): void => {
      if (!expected.errors.some((known) => known.test(text))) complaints.push(text)
    }
    // In every tab of this browser.
    const context = page.context()
    context.on('console', (message) => {
      if (message.type() === 'error') complain(message.text())
    })
    context.on('weberror', (error) => complain(error.error().message))
    context.on('request', (request) => {
      const url = new URL(request.url())
      if (url.protocol.startsWith('http') && url.origin !== baseURL && !expected.origins.includes(url.origin))
        complaints.push(`a request to ${url.origin}`)
    })
    await use(new AppPage(page))
    // A page that has just begun may still ask for what a test changes, and nobody waits for the answer any more.
    for (const routed of [context, ...context.pages()]) await routed.unrouteAll({ behavior: 'ignoreErrors' })
    expect(complaints).toEqual([])
  },
})

export { expect } from '@playwright/test'
