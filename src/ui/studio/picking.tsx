/** How a folder comes into the studio: by the browser's picker; where it has none for folders, as the files of one. */
import {
  createContext,
  useContext,
  useMemo,
  type ChangeEvent,
  type ReactElement,
  type ReactNode,
  type RefObject,
} from 'react'
import { useTranslation } from 'react-i18next'
import { folderOfFiles } from '../../studio/folder.ts'
import { useFileField } from '../taking/choose-files.tsx'
import { useApp } from '../store-context.ts'

interface Picks {
  folder: () => void
  files: () => void
}

const Picking = createContext<Picks>({ folder: () => undefined, files: () => undefined })

/** The fields stay while the buttons for them come and go: what is chosen in a field that has left the page is lost. */
export function PickingFields({ children }: { children: ReactNode }): ReactElement {
  const [folder, openFolder] = useFileField()
  const [files, openFiles] = useFileField()
  const choose = useApp((state) => state.studioActions.choose)
  const picks = useMemo(
    () => ({
      folder: () =>
        void choose().then((hasFolders) => {
          if (!hasFolders) openFolder()
        }),
      files: openFiles,
    }),
    [choose, openFolder, openFiles],
  )
  return (
    <Picking value={picks}>
      {children}
      <FileInput input={folder} isFolder />
      <FileInput input={files} />
    </Picking>
  )
}

export function Pick(): ReactElement {
  const { t } = useTranslation('studio')
  const { folder, files } = useContext(Picking)
  return (
    <div className="actions">
      <button type="button" className="primary" onClick={folder}>
        {t('openFolder')}
      </button>
      <button type="button" onClick={files}>
        {t('openFiles')}
      </button>
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
