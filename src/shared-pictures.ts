/**
 * Pictures that another app shares with this one (Web Share Target): the system posts them to `share`, where the service
 * worker puts them aside and leads on to the page, which takes them from there. No server ever gets them.
 */

/** Relative to where the page lies; the web manifest names it. */
export const SHARE_PATH = 'share'
/** What the form's field with the files is called in the web manifest. */
export const SHARE_FIELD = 'pictures'
const CACHE = 'pictalk-shared'

/** In the service worker: puts what was posted aside and gives the answer that leads to the page. */
export async function putShared(request: Request, scope: string): Promise<Response> {
  const form = await request.formData()
  const cache = await caches.open(CACHE)
  const files = form.getAll(SHARE_FIELD).filter((entry) => entry instanceof File)
  for (const [i, file] of files.entries()) {
    const headers = { 'content-type': file.type, 'x-name': encodeURIComponent(file.name) }
    await cache.put(new URL(`${SHARE_PATH}/${Date.now()}-${i}`, scope), new Response(file, { headers }))
  }
  return Response.redirect(new URL('#/', scope).href, 303)
}

/**
 * On the page: takes what lies aside, and leaves nothing there. Empty where the browser has no caches. What was taken
 * before something failed is given all the same: it lies there no more.
 */
export async function takeShared(): Promise<{ image: Blob; name: string }[]> {
  const shared: { image: Blob; name: string }[] = []
  try {
    const cache = await caches.open(CACHE)
    for (const request of await cache.keys()) {
      const response = await cache.match(request)
      // Another tab may take the same ones: who removes a picture has it.
      if (!(await cache.delete(request)) || response === undefined) continue
      const name = decodeURIComponent(response.headers.get('x-name') ?? '')
      shared.push({ image: await response.blob(), name })
    }
  } catch {
    // Withheld, or no secure context.
  }
  return shared
}
