/** Before a folder is open: picking one, and those that were worked on before. */
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Project } from '../../studio/project.ts'
import { useApp } from '../store-context.ts'
import { Pick } from './picking.tsx'

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
