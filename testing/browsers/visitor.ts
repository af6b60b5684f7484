/** Somebody who visits the page in any browser: sees, clicks and types, by the names that the page gives to things. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Tab } from './browser.ts'

const PATIENCE_MS = 60_000
const LOOK_AGAIN_MS = 100

/** What finds things; names hold no quotation marks. */
export const button = (name: string): string =>
  `//button[@aria-label="${name}" or (not(@aria-label) and normalize-space(.)="${name}")]`
export const labelled = (label: string): string => `//*[@aria-label="${label}"]`
export const article = (name: string): string => `//article[@aria-label="${name}"]`
const field = (label: string): string => `//label[contains(., "${label}")]//input`

const MODEL = labelled('Model')
const CHIP = '//button[starts-with(normalize-space(.), "Model:")]'
const TERMS = '//*[contains(@class, "offer")]//input[@type="checkbox"]'
const QUESTION = labelled('Ask about the image')

export class Visitor {
  readonly tab: Tab
  readonly #patienceMs: number

  /** `patienceMs`: how long anything may be waited for; Infinity is allowed. */
  constructor(tab: Tab, patienceMs = PATIENCE_MS) {
    this.tab = tab
    this.#patienceMs = patienceMs
  }

  async visit(url: string): Promise<void> {
    await this.tab.goto(url)
    await this.openSheet()
    await this.modelRuns()
  }

  async reload(): Promise<void> {
    await this.tab.reload()
    await this.openSheet()
    await this.modelRuns()
  }

  /** Opens what the page says about its model; it stays open beside the conversation. */
  async openSheet(): Promise<void> {
    await this.appears(CHIP)
    await this.tab.click(CHIP)
  }

  async modelRuns(): Promise<void> {
    await this.reads(MODEL, /Runs on/)
  }

  /** Waits until the page says this about the model. */
  async modelSays(words: RegExp): Promise<string> {
    return this.reads(MODEL, words)
  }

  /** Drops a picture on the page, as the browser would report it. */
  async drop(path: string, type: string): Promise<void> {
    const input = { base64: readFileSync(path).toString('base64'), name: basename(path), type }
    await this.tab.run((file) => {
      const bytes = Uint8Array.from(atob(file.base64), (char) => char.charCodeAt(0))
      const transfer = new DataTransfer()
      transfer.items.add(new File([bytes], file.name, { type: file.type }))
      for (const kind of ['dragover', 'drop'])
        document
          .querySelector('main')
          ?.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }))
    }, input)
  }

  async ask(question: string): Promise<void> {
    await this.appears(QUESTION)
    await this.tab.type(QUESTION, `${question}\n`)
  }

  /** Waits for the answer of this name and gives its words. */
  async answer(name: string): Promise<string> {
    await this.appears(`${article(name)}${button('About this answer')}`)
    const text = await this.reads(article(name), /\S/)
    return text.trim().split('\n')[0] ?? ''
  }

  async press(name: string): Promise<void> {
    await this.appears(button(name))
    await this.tab.click(button(name))
  }

  /** Looks at a model that a server has, and has it downloaded and used. */
  async addModel(address: string): Promise<void> {
    await this.lookAt(address)
    await this.takeOffer('Download')
    await this.modelSays(/works without a connection/)
  }

  /** Looks at a model that a server has, until there is an offer. */
  async lookAt(address: string): Promise<void> {
    await this.tab.type(field('Address of a model'), address)
    await this.tab.click(`//form${button('Look at it')}`)
    await this.appears(TERMS)
  }

  /** Accepts the terms of what is offered and presses this. */
  async takeOffer(name: 'Download' | 'Fetch and convert'): Promise<void> {
    await this.tab.click(TERMS)
    await this.press(name)
  }

  async appears(xpath: string): Promise<void> {
    await this.reads(xpath, /^/)
  }

  async disappears(xpath: string): Promise<void> {
    await this.#until(
      async () => ((await this.textOf(xpath)) === null ? true : null),
      `${xpath} is still there`,
    )
  }

  async answerIsGone(name: string): Promise<void> {
    await this.disappears(article(name))
  }

  /** Waits until what this XPath finds reads like that, and gives its text. */
  async reads(xpath: string, words: RegExp): Promise<string> {
    let last: string | null = null
    return this.#until(
      async () => {
        last = await this.textOf(xpath)
        return last !== null && words.test(last) ? last : null
      },
      () => `${xpath} does not read ${String(words)} but: ${String(last)}`,
    )
  }

  async #until<T>(look: () => Promise<T | null>, complaint: string | (() => string)): Promise<T> {
    const end = performance.now() + this.#patienceMs
    for (;;) {
      const seen = await look()
      if (seen !== null) return seen
      if (performance.now() > end) throw new Error(typeof complaint === 'string' ? complaint : complaint())
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }

  /** How what this XPath finds first reads now; null where there is no such thing. */
  textOf(xpath: string): Promise<string | null> {
    return this.tab.run((path) => {
      const found = document.evaluate(
        path,
        document,
        null,
        XPathResult.FIRST_ORDERED_NODE_TYPE,
      ).singleNodeValue
      return found instanceof HTMLElement ? found.innerText : null
    }, xpath)
  }
}
