/** A tab of somebody who adds models, by the names that the page gives to things. */
import type { Locator, Page } from '@playwright/test'

export const PATIENCE_MS = 60_000

export class Tab {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(PATIENCE_MS)
  }

  async open(site: string): Promise<void> {
    await this.page.goto(`${site}?provider=wasm`, { waitUntil: 'domcontentloaded' })
    await this.page.getByText('Other models').click()
  }

  async reload(): Promise<void> {
    await this.page.reload({ waitUntil: 'domcontentloaded' })
    await this.page.getByText('Other models').click()
  }

  async look(address: string): Promise<void> {
    const precision = this.page.getByLabel('Checkpoints are converted to')
    if (!(await precision.isVisible())) await this.page.getByText('Conversion and access').click()
    await precision.selectOption('q8')
    await this.page.getByLabel('Address of a model').fill(address)
    await this.page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
    await this.page.getByRole('checkbox').waitFor()
  }

  get accept(): Locator {
    return this.page.getByRole('button', { name: /^(Download|Fetch and convert)$/ })
  }

  async add(address: string): Promise<void> {
    await this.look(address)
    await this.agree()
  }

  /** To what was looked at. Returns when the work is under way, or done by now. */
  async agree(): Promise<void> {
    await this.page.getByRole('checkbox').check()
    await this.accept.click()
    await this.says(/^Pause$|is kept in this browser/)
  }

  async says(words: string | RegExp): Promise<void> {
    // What is read out to somebody who cannot see it is there twice.
    await this.page.getByText(words).filter({ visible: true }).first().waitFor()
  }

  async isDone(): Promise<void> {
    await this.page.getByRole('button', { name: /^Use it: / }).waitFor()
  }

  async resume(name: string): Promise<void> {
    await this.page.getByRole('button', { name: `Resume: ${name}` }).click()
  }

  async delete(name: string): Promise<void> {
    await this.page.getByRole('button', { name: `Delete: ${name}` }).click()
    await this.page.getByRole('button', { name: `Really delete: ${name}` }).click()
  }

  /** The process behind it ends, as when the system takes its memory. */
  async crash(): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page)
    const crashed = this.page.waitForEvent('crash')
    // The answer never comes.
    void session.send('Page.crash').catch(() => undefined)
    await crashed
  }
}
