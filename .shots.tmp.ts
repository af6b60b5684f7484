import { chromium } from '@playwright/test'
import { launchOptions } from '/work/wt/page/testing/browser.ts'
const url = process.argv[2]!
const only = process.argv[3]
const browser = await chromium.launch(launchOptions())
const sizes: Record<string,[number,number]> = { desktop:[1440,900], laptop:[1280,800], tablet:[820,1180], phone:[390,844], zoom:[360,225] }
async function shot(page: any, name: string) { await page.screenshot({ path: `/tmp/page/shots/${name}.png` }) }
for (const [size,[width,height]] of Object.entries(sizes)) {
  for (const scheme of size==='desktop'||size==='phone' ? ['light','dark'] as const : ['light'] as const) {
    if (only && !`${size}-${scheme}`.includes(only)) continue
    const context = await browser.newContext({ viewport:{width,height}, colorScheme: scheme, hasTouch: size==='phone', serviceWorkers:'block' })
    const page = await context.newPage()
    page.on('pageerror', e => console.log('pageerror', e.message))
    page.on('console', m => { if (m.type()==='error') console.log('console', m.text()) })
    await page.goto(url+'?provider=wasm')
    const n=(s:string)=>`${size}-${scheme}-${s}`
    await page.waitForTimeout(2500)
    await shot(page,n('1-empty'))
    await page.getByRole('button',{name:/^Example scene/}).first().click()
    await page.getByRole('button',{name:'About this answer'}).waitFor()
    await page.waitForTimeout(300)
    await shot(page,n('2-captioned'))
    for (const q of ['How many things are there?','What is on the left?','Is there a very long question that somebody asks which goes on over more than a single line of this page?']) {
      const box = page.getByRole('textbox',{name:'Ask about the image'})
      await box.fill(q); await box.press('Enter')
      await page.waitForTimeout(900)
    }
    await page.getByRole('button',{name:'About this answer'}).first().click()
    await page.waitForTimeout(300)
    await shot(page,n('3-talk'))
    if (size==='phone'||size==='desktop') {
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button',{name:'Add a picture'}).click()
      await shot(page,n('4-menu'))
      await page.getByRole('menuitem',{name:'Choose image'}).click()
      await (await chooser).setFiles(['good-rgb.png','good-palette.png','good-cmyk.jpg','bad-truncated.png'].map(f=>'/work/wt/page/testing/images/'+f))
      await page.waitForTimeout(3000)
      await page.getByRole('textbox',{name:'Ask about the image'}).fill('is there a cat?')
      await page.getByRole('button',{name:'Send'}).click()
      await page.waitForTimeout(2500)
      await shot(page,n('5-several'))
      await page.getByRole('button',{name:/^Open /}).click()
      await page.keyboard.press('+'); await page.keyboard.press('+')
      await page.waitForTimeout(200)
      await shot(page,n('6-viewer'))
      await page.keyboard.press('Escape')
      await page.getByRole('button',{name:'Remove is there a cat?'}).click()
      await page.waitForTimeout(200)
      await shot(page,n('7-undo'))
    }
    if (width<1024) { await page.getByRole('button',{name:'Conversations and model'}).click(); await page.waitForTimeout(200); await shot(page,n('8-rail')) }
    await page.getByRole('button',{name:/^Model:/}).click()
    await page.waitForTimeout(300)
    await shot(page,n('9-sheet'))
    await page.getByText('Settings',{exact:true}).click()
    await page.waitForTimeout(200)
    await shot(page,n('10-settings'))
    await context.close()
  }
}
await browser.close()
