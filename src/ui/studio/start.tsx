/** Before a folder is open: picking one, and those that were worked on before. */
import { useRef, useState, type ChangeEvent, type ReactElement, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { folderOfFiles } from '../../studio/folder.ts'
import type { Project } from '../../studio/project.ts'
import { useApp } from '../store-context.ts'

export function Start(): ReactElement {
  const { t } = useTranslation('studio')
  const projects = useApp((state) => state.studio.projects)
  return (
    <div className="studio-start">
      <p>{t('what')}</p>
      <div className="drop-area">
        <Pick />
        <p className="hint">{t('dropHint')}</p>
      </div>
      {projects.length > 0 && (
        <>
          <h3>{t('before')}</h3>
          <ul className="studio-projects">
            {projects.map((project) => (
              <Kept key={project.id} project={project} />
            ))}
          </ul>
        </>
      )}
    </div>
  )
}

/** Picks a folder; where the browser has no folders, the files of one. */
export function Pick(): ReactElement {
  const { t } = useTranslation('studio')
  const choose = useApp((state) => state.studioActions.choose)
  const folder = useRef<HTMLInputElement>(null)
  const files = useRef<HTMLInputElement>(null)
  return (
    <div className="actions">
      <button
        type="button"
        className="primary"
        onClick={() =>
          void choose().then((hasFolders) => {
            if (!hasFolders) folder.current?.click()
          })
        }
      >
        {t('openFolder')}
      </button>
      <button type="button" onClick={() => files.current?.click()}>
        {t('openFiles')}
      </button>
      <FileInput input={folder} isFolder />
      <FileInput input={files} />
    </div>
  )
}

function FileInput({
  input,
  isFolder = false,
}: {
  input: RefObject<HTMLInputElement | null>
  isFolder?: boolean
}): ReactElement {
  const { t } = useTranslation('studio')
  const open = useApp((state) => state.studioActions.open)
  const onChange = ({ target }: ChangeEvent<HTMLInputElement>): void => {
    const chosen = [...(target.files ?? [])].map((file) => ({
      path: file.webkitRelativePath || file.name,
      file,
    }))
    if (chosen.length > 0) void open(folderOfFiles(chosen, t('someFiles')))
    // The same may be chosen again.
    target.value = ''
  }
  return (
    <input
      ref={input}
      type="file"
      multiple
      hidden
      aria-label={t(isFolder ? 'openFolder' : 'openFiles')}
      {...(isFolder && { webkitdirectory: '' })}
      onChange={onChange}
    />
  )
}

function Kept({ project }: { project: Project }): ReactElement {
  const { t, i18n } = useTranslation('studio')
  const reopen = useApp((state) => state.studioActions.reopen)
  const removeProject = useApp((state) => state.studioActions.removeProject)
  const [asks, setAsks] = useState(false)
  const { id, name, changedAt, run } = project
  const day = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' })
  return (
    <li>
      <button type="button" className="open" onClick={() => void reopen(id)}>
        <span>{name}</span>
        <span className="hint">
          {day.format(changedAt)}
          {run !== null && run.status !== 'ended' && ` · ${t('unfinished')}`}
        </span>
      </button>
      {asks ? (
        <span className="actions">
          <button type="button" onClick={() => void removeProject(id)}>
            {t('forgetNow')}
          </button>
          <button type="button" className="quiet" data-first onClick={() => setAsks(false)}>
            {t('keep')}
          </button>
        </span>
      ) : (
        <button
          type="button"
          className="link"
          aria-label={t('forget', { name })}
          onClick={() => setAsks(true)}
        >
          ×
        </button>
      )}
    </li>
  )
}
