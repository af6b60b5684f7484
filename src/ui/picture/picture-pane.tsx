import { useContext, useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Conversation } from '../../conversation/conversation.ts'
import { StoreContext, useApp } from '../store-context.ts'
import { PictureView } from './picture.tsx'
import { Viewer } from './viewer.tsx'

/** The picture that is talked about: in view all the time, large when it is pressed; several are a strip. */
export function PicturePane({ conversation }: { conversation: Conversation }): ReactElement | null {
  const { t } = useTranslation('talk')
  const [chosen, choose] = useState<string | null>(null)
  const open = useApp((state) => state.openPanel)
  const isOpen = useApp((state) => state.panel === 'viewer')
  useViewerGoesAlong()
  const { pictures } = conversation
  const picture = pictures.find(({ id }) => id === chosen) ?? pictures[0]
  if (picture === undefined) return null
  return (
    <aside className="picture-pane" aria-label={t('picture.pane')}>
      <button
        type="button"
        className="shown-picture"
        aria-label={t('picture.open', { name: picture.name })}
        onClick={() => open('viewer')}
      >
        <PictureView key={picture.id} picture={picture} />
      </button>
      {pictures.length > 1 && (
        <ul className="strip" aria-label={t('picture.strip')}>
          {pictures.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                aria-label={t('picture.show', { name: one.name })}
                aria-pressed={one.id === picture.id}
                onClick={() => choose(one.id)}
              >
                <PictureView picture={one} small />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="picture-name" dir="auto">
        {picture.name}
      </p>
      {isOpen && <Viewer picture={picture} />}
    </aside>
  )
}

/** A viewer does not outlive the pane whose picture it shows: it would open over the next one. */
function useViewerGoesAlong(): void {
  const store = useContext(StoreContext)
  useEffect(
    () => () => {
      const state = store?.getState()
      if (state?.panel === 'viewer') state.closePanel()
    },
    [store],
  )
}
