import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Note } from '../../messages/note.ts'
import { Over } from '../parts/over.tsx'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'
import { fetchPicture } from './fetch-picture.ts'

/** A picture by its address; where its server does not let the page read it, that is said here. */
export function AddressDialog(): ReactElement {
  const { t } = useTranslation('talk')
  const close = useApp((state) => state.closePanel)
  const take = useApp((state) => state.takePictures)
  const [address, setAddress] = useState('')
  const [refused, setRefused] = useState<Note | null>(null)
  const [isFetching, setFetching] = useState(false)
  const stop = useRef(new AbortController())
  useEffect(() => {
    const { current } = stop
    return () => current.abort()
  }, [])
  const fetchIt = async (): Promise<void> => {
    setFetching(true)
    setRefused(null)
    try {
      const fetched = await fetchPicture(address, stop.current.signal)
      if ('refused' in fetched) setRefused(fetched.refused)
      else {
        close()
        await take([fetched.picture])
      }
    } catch {
      // Closed meanwhile.
    } finally {
      setFetching(false)
    }
  }
  return (
    <Over name={t('address.heading')} className="dialog">
      <h2>{t('address.heading')}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void fetchIt()
        }}
      >
        <label>
          {t('address.label')}
          <input
            type="url"
            required
            value={address}
            placeholder="https://…"
            autoComplete="off"
            onChange={(event) => setAddress(event.target.value)}
          />
        </label>
        {refused !== null && (
          <p className="problem" role="alert">
            <Say saying={refused} />
          </p>
        )}
        <button type="submit" className="primary" disabled={isFetching}>
          {isFetching ? t('address.fetching') : t('address.fetch')}
        </button>
      </form>
    </Over>
  )
}
