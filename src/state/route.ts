/** Where in the app somebody is, as the part of the address behind `#` says it: such links work wherever the page lies. */

/** Talking about pictures is at home; other places have a name of their own. */
export type PlaceName = 'talk' | 'search' | 'studio' | 'inside'

export type Route =
  /** `#/c/<id>`, or `#/` where no conversation has begun. */
  { place: 'talk'; conversation: string | null } | { place: Exclude<PlaceName, 'talk'> }

const OTHER_PLACES = ['search', 'studio', 'inside'] as const satisfies PlaceName[]

/** Null for an address without a route: people came by the page's own address. What cannot be understood is Talk. */
export function parseRoute(hash: string): Route | null {
  if (hash === '' || hash === '#') return null
  const [, first = '', second = ''] = hash.slice(1).split('/')
  const place = OTHER_PLACES.find((name) => name === first)
  if (place !== undefined) return { place }
  return { place: 'talk', conversation: first === 'c' && second !== '' ? decoded(second) : null }
}

export function hashOf(route: Route): string {
  if (route.place !== 'talk') return `#/${route.place}`
  return route.conversation === null ? '#/' : `#/c/${encodeURIComponent(route.conversation)}`
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
