import { useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { nameOf } from '../../studio/picture-files.ts'
import { useApp } from '../store-context.ts'

/** A picture of the folder, as large as there is room; why not, where it cannot be drawn. */
export function LargePicture({ path }: { path: string }): ReactElement {
  const { t } = useTranslation('studio')
  const file = useApp((state) => state.studioActions.file)
  const [url, setUrl] = useState<string | null>(null)
  const [isBroken, setBroken] = useState(false)
  useEffect(() => {
    let made: string | null = null
    let isGone = false
    file(path).then(
      (blob) => {
        if (isGone) return
        made = URL.createObjectURL(blob)
        setUrl(made)
      },
      () => setBroken(true),
    )
    return () => {
      isGone = true
      if (made !== null) URL.revokeObjectURL(made)
    }
  }, [file, path])
  if (isBroken) return <p className="studio-picture hint">{t('notDrawn')}</p>
  return (
    <div className="studio-picture">
      {url !== null && (
        <img src={url} alt={t('picture', { name: nameOf(path) })} onError={() => setBroken(true)} />
      )}
    </div>
  )
}
