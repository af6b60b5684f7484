/** Pictures that are there twice, and captions that say the same of several. */
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { sameCaptions, samePictures } from '../../studio/duplicates.ts'
import { useApp } from '../store-context.ts'

/** Groups that are listed; with more of them something else is the matter. */
const MOST_GROUPS = 100

export function DuplicatesPanel({ onOpen }: { onOpen: (path: string) => void }): ReactElement {
  const { t } = useTranslation('studio')
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('duplicates')}</summary>
      {isOpen && (
        <>
          <ByText onOpen={onOpen} />
          <ByPicture onOpen={onOpen} />
        </>
      )}
    </details>
  )
}

function ByText({ onOpen }: { onOpen: (path: string) => void }): ReactElement {
  const { t } = useTranslation('studio')
  const pictures = useApp((state) => state.studio.pictures)
  const groups = useMemo(
    () => sameCaptions(pictures).map((group) => group.map(({ path }) => path)),
    [pictures],
  )
  return (
    <>
      <h4>{t('sameCaptions', { count: groups.length })}</h4>
      <Groups groups={groups} onOpen={onOpen} />
    </>
  )
}

function ByPicture({ onOpen }: { onOpen: (path: string) => void }): ReactElement {
  const { t } = useTranslation('studio')
  const prints = useApp((state) => state.studio.prints)
  const printing = useApp((state) => state.studio.printing)
  const find = useApp((state) => state.studioActions.findSamePictures)
  const cancel = useApp((state) => state.studioActions.cancel)
  const groups = useMemo(() => (prints === null ? null : samePictures(prints)), [prints])
  return (
    <>
      <h4>{groups === null ? t('samePicturesUnknown') : t('samePictures', { count: groups.length })}</h4>
      {printing === null ? (
        <div className="actions">
          <button type="button" onClick={() => void find()}>
            {t('comparePictures')}
          </button>
        </div>
      ) : (
        <div className="loading">
          <progress aria-label={t('comparing')} value={printing.done} max={Math.max(1, printing.total)} />
          <div className="actions">
            <button type="button" onClick={() => cancel('printing')}>
              {t('cancel')}
            </button>
          </div>
        </div>
      )}
      {groups !== null && <Groups groups={groups} onOpen={onOpen} />}
    </>
  )
}

function Groups({
  groups,
  onOpen,
}: {
  groups: readonly (readonly string[])[]
  onOpen: (path: string) => void
}): ReactElement {
  return (
    <ul className="studio-groups">
      {groups.slice(0, MOST_GROUPS).map((paths) => (
        <li key={paths[0]}>
          {paths.map((path) => (
            <button key={path} type="button" className="link" onClick={() => onOpen(path)}>
              {path}
            </button>
          ))}
        </li>
      ))}
    </ul>
  )
}
