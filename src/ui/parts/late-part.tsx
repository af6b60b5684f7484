/** Parts of the page that are files of their own: whoever only talks never fetches what searches and what corrects captions. */
import { useEffect, useState, type ComponentType, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'

type Arrival = { status: 'coming' } | { status: 'failed' } | { status: 'here'; Part: ComponentType }

/**
 * A component whose code is fetched when it is first shown. Where that fails (no network, a newer version of the page on the
 * server) it says so and tries again when asked, and whenever people come back; `lazy` of React would keep the failure.
 */
export function latePart(fetchPart: () => Promise<ComponentType>): ComponentType {
  let known: Arrival = { status: 'coming' }
  return function LatePart() {
    const [arrival, setArrival] = useState(known)
    useEffect(() => {
      if (arrival.status !== 'coming') return
      let isShown = true
      const arrive = (next: Arrival): void => {
        if (isShown) setArrival(next)
      }
      fetchPart().then(
        (Part) => arrive((known = { status: 'here', Part })),
        () => arrive({ status: 'failed' }),
      )
      return () => {
        isShown = false
      }
    }, [arrival])
    switch (arrival.status) {
      case 'coming':
        return <Coming />
      case 'failed':
        return <Failed onAgain={() => setArrival({ status: 'coming' })} />
      case 'here':
        return <arrival.Part />
    }
  }
}

/** Seen only by those who have to wait: see `.late-coming` in the styles. */
function Coming(): ReactElement {
  const { t } = useTranslation('shell')
  return <p className="late late-coming hint">{t('late.coming')}</p>
}

function Failed({ onAgain }: { onAgain: () => void }): ReactElement {
  const { t } = useTranslation('shell')
  return (
    <div className="late notice" role="alert">
      <p>{t('late.failed')}</p>
      <div className="actions">
        <button
          type="button"
          onClick={({ currentTarget }) => {
            // The button goes; what comes in its place comes here.
            currentTarget.closest<HTMLElement>('[role=dialog], main')?.focus()
            onAgain()
          }}
        >
          {t('tryAgain')}
        </button>
        {/* Some browsers remember that a file did not come until the page is opened anew. */}
        <button type="button" className="quiet" onClick={() => location.reload()}>
          {t('late.reload')}
        </button>
      </div>
    </div>
  )
}
