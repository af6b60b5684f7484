import type { ReactElement } from 'react'
import type { WordKey } from '../../messages/note.ts'
import type { PlaceName } from '../../state/route.ts'
import { SearchView } from '../search/search-view.tsx'
import { StudioView } from '../studio/studio-view.tsx'
import { TalkView } from '../talk/talk-view.tsx'

export interface Place {
  name: PlaceName
  /** What it is called in the rail. */
  label: WordKey
  /** Drawn where the middle of the page is. */
  view: ReactElement
}

/** The places of the app, in the order of the rail. One that is not in this list does not exist: its address is Talk's. */
export const PLACES: readonly [Place, ...Place[]] = [
  { name: 'talk', label: 'shell:talk', view: <TalkView /> },
  { name: 'search', label: 'search:search', view: <SearchView /> },
  { name: 'studio', label: 'studio:name', view: <StudioView /> },
]
