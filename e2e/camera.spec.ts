import { launchOptions } from '../testing/browser.ts'
import { expect, test } from './fixtures.ts'

const { args, ...browser } = launchOptions()

test.use({
  // A made-up camera: a green picture with a clock.
  launchOptions: { ...browser, args: [...args, '--use-fake-device-for-media-stream'] },
  permissions: ['camera'],
})

test('Users can take a photo, the light of the camera goes out, and where it is refused they choose one instead', async ({
  app,
  page,
}) => {
  await page.addInitScript(() => {
    const devices = navigator.mediaDevices
    const ask = devices.getUserMedia.bind(devices)
    devices.getUserMedia = async (constraints) => {
      const stream = await ask(constraints)
      Object.assign(window, { cameraStream: stream })
      return stream
    }
  })
  await page.goto('/?provider=wasm')
  await page.getByRole('button', { name: 'Take a photo' }).click()
  await page.getByRole('button', { name: 'Take the photo' }).click()
  await expect(page.getByRole('button', { name: 'Open Photo.jpg large' })).toBeVisible()
  await expect(page.getByRole('img', { name: 'Your picture Photo.jpg' })).toHaveJSProperty('complete', true)
  const tracks = (): Promise<string[]> =>
    page.evaluate(() => {
      const { cameraStream } = window as unknown as { cameraStream: MediaStream }
      return cameraStream.getTracks().map(({ readyState }) => readyState)
    })
  await expect.poll(tracks).toEqual(['ended'])
  await expect(app.list.getByRole('link')).toHaveCount(1)

  await app.startAnew()
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('No.', 'NotAllowedError'))
  })
  await page.getByRole('button', { name: 'Take a photo' }).click()
  await expect(page.getByRole('alert')).toContainText('The camera was refused')
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('dialog').getByRole('button', { name: 'Choose image' }).click()
  await (await chooser).setFiles('testing/images/good-rgb.png')
  await expect(page.getByRole('button', { name: 'Open good-rgb.png large' })).toBeVisible()
  await expect(app.list.getByRole('link')).toHaveCount(2)
})
