/** The first import of the page while it is soaked: somebody who presses its buttons from inside, and counts. */
import type { InsidePage, PageLeak } from './inside.ts'

const PATIENCE_MS = 60_000
const LOOK_AGAIN_MS = 10

// The browser notes each request, and lets go of none of the first few hundred notes.
performance.setResourceTimingBufferSize(0)

const kept: unknown[] = []
const urls = new Set<string>()
const [create, revoke] = [URL.createObjectURL.bind(URL), URL.revokeObjectURL.bind(URL)]
URL.createObjectURL = (blob) => {
  const url = create(blob)
  urls.add(url)
  return url
}
URL.revokeObjectURL = (url) => {
  urls.delete(url)
  revoke(url)
}

function leak(kind: PageLeak): void {
  switch (kind) {
    case 'listener':
      addEventListener('resize', () => kept.push('resized'))
      return
    case 'object-url':
      URL.createObjectURL(new Blob(['leaked']))
      return
    case 'node':
      kept.push(document.createElement('p'))
      return
    case 'port':
      kept.push(new MessageChannel())
      return
    case 'worker':
      kept.push(new Worker('soak-idle.js', { type: 'module' }))
      return
    case 'blob':
      kept.push(new Blob(['leaked']))
      return
    case 'closure':
      kept.push(new AbortController())
  }
}

async function until<T>(what: string, look: () => T | null | undefined): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const found = look()
    if (found !== null && found !== undefined) return found
    if (performance.now() > end) throw new Error(`${what} never came.\n${document.body.innerText}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

async function press(name: string): Promise<void> {
  const buttons = (): HTMLButtonElement[] => [...document.querySelectorAll('button')]
  const isNamed = (one: HTMLButtonElement): boolean =>
    (one.getAttribute('aria-label') ?? one.textContent.trim()) === name
  const found = await until(`The button ${name}`, () => buttons().find(isNamed))
  found.click()
}

/** Without a selector that holds the name: the browser keeps every selector that it has read. */
function articleOf(name: string): Element | null {
  const all = [...document.getElementsByTagName('article')]
  return all.find((one) => one.getAttribute('aria-label') === name) ?? null
}

async function answered(name: string): Promise<void> {
  await until(
    `The answer ${name}`,
    () => articleOf(name)?.querySelector('[aria-label="About this answer"]') ?? null,
  )
}

async function gone(name: string): Promise<void> {
  await until(`The end of ${name}`, () => (articleOf(name) === null ? true : null))
}

function drop(file: File): void {
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(file)
  for (const kind of ['dragover', 'drop'])
    document
      .querySelector('main')
      ?.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }))
}

async function ask(question: string): Promise<void> {
  const box = await until('The field for questions', () =>
    document.querySelector<HTMLTextAreaElement>('textarea[aria-label="Ask about the image"]'),
  )
  // React hears of a value only where it is set as the browser sets it.
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set?.call(box, question)
  box.dispatchEvent(new Event('input', { bubbles: true }))
  await press('Send')
}

async function use(model: string): Promise<void> {
  await press(`Use: ${model}`)
  const panel = document.querySelector('section[aria-label="Model"]')
  await until(`The model ${model}`, () => {
    const isOther = [...document.querySelectorAll('button')].some(
      (one) => one.getAttribute('aria-label') === `Use: ${model}`,
    )
    return !isOther && panel?.textContent.includes('Runs on') === true ? true : null
  })
}

let picture: Promise<Blob> | undefined

async function cycle(number: number): Promise<void> {
  picture ??= fetch('soak.png').then((response) => response.blob())
  const name = `picture ${number}.png`
  const question = `how many things are there, ${number}?`
  const inTurn = `${name}: ${question}`
  await use(number % 2 === 1 ? 'soaked' : 'built-in model')
  drop(new File([await picture], name, { type: 'image/png' }))
  await answered(name)
  await ask(question)
  await answered(inTurn)
  await press(`Remove ${question}`)
  await gone(inTurn)
  await press('Undo')
  await answered(inTurn)
  const conversation = document
    .querySelector('nav[aria-label="Conversations"] li.current button:last-child')
    ?.getAttribute('aria-label')
  if (!conversation) throw new Error('The conversation is not in the list.')
  await press(conversation)
  await gone(name)
  await press('Undo')
  await answered(name)
  await press(conversation)
  await gone(name)
}

const inside: InsidePage = { cycle, leak, objectUrls: () => urls.size }
Object.assign(globalThis, { soakInside: inside })
