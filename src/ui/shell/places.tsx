import type { ReactElement } from 'react'
import type { WordKey } from '../../messages/note.ts'
import type { PlaceName } from '../../state/route.ts'
import type { IconName } from '../parts/icons.tsx'
import { latePart } from '../parts/late-part.tsx'
import { Composer } from '../talk/composer.tsx'
import { TalkView } from '../talk/talk-view.tsx'

/** Talk is at hand at once; other places come when they are visited. */
const SearchView = latePart(async () => (await import('../search/search-view.tsx')).SearchView)
const StudioView = latePart(async () => (await import('../studio/studio-view.tsx')).StudioView)
const InsideView = latePart(async () => (await import('../inside/inside-view.tsx')).InsideView)

export interface Place {
  name: PlaceName
  /** What it is called in the rail. */
  label: WordKey
  icon: IconName
  /** Drawn where the middle of the page is. */
  view: ReactElement
  /** Reached from elsewhere, and not named in the rail. */
  isAside?: boolean
  /** What stays at the bottom of the page while one is there. */
  dock?: ReactElement
}

/** The places of the app, in the order of the rail; Talk is the first. */
export const PLACES: readonly [Place, ...Place[]] = [
  { name: 'talk', label: 'shell:talk', icon: 'talk', view: <TalkView />, dock: <Composer /> },
  { name: 'search', label: 'search:search', icon: 'search', view: <SearchView /> },
  { name: 'studio', label: 'studio:name', icon: 'pictures', view: <StudioView /> },
  { name: 'inside', label: 'inside:name', icon: 'pictures', view: <InsideView />, isAside: true },
]
