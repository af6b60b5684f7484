/** What the runs in several browsers need of one: as little as each way of driving a browser can do. */

/** Wide enough for the list of conversations to be open. */
export const WINDOW = { width: 1280, height: 800 }

/** Values that cross into a page and back. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain }

export interface Tab {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** Runs a function in the page. It sees nothing but its argument, and its promise is waited for. */
  run<I extends Plain, O>(work: (input: I) => O | Promise<O>, input: I): Promise<O>
  /** Presses what this XPath finds, with the mouse. Throws when it is not there. */
  click(xpath: string): Promise<void>
  /** Types on the keyboard into what this XPath finds; `\n` is Enter. */
  type(xpath: string, text: string): Promise<void>
  close(): Promise<void>
}

export interface Browser {
  /** Name and version, as the browser tells them. */
  version: string
  /** Tabs of one browser share what it keeps. */
  open(): Promise<Tab>
  close(): Promise<void>
}

export interface BrowserKind {
  name: string
  /** What has to be installed and is not; null when it can be run here. */
  missing(): string | null
  /** Starts one over the data in `profile`, a folder, where this kind can be told where its data lie. */
  launch(profile: string): Promise<Browser>
  /** Whether what is kept in `profile` is there again for the next one. */
  keepsProfile: boolean
}
