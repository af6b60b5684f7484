import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Note, WordKey } from '../../messages/note.ts'
import { sortDropped, type DroppedFile } from '../../state/dropped.ts'
import type { PlaceName } from '../../state/route.ts'
import { useApp } from '../store-context.ts'
import { useDroppedFolder } from '../studio/dropped-folder.ts'
import { droppedFiles, folderName, MAX_FILES } from './dropped-files.ts'
import { draggedAddress, meansFiles } from './transfer.ts'
import { useTakeAddress, useTakeFiles } from './use-taking.ts'

/** The whole page takes pictures: dropped anywhere, dragged from another page, or pasted. */
export function DropZone({ children }: { children: ReactNode }): ReactElement {
  const { t } = useTranslation(['talk', 'search', 'studio'])
  const place = useApp((state) => state.place)
  const over = useDrop(useTakeDropped())
  usePaste(useTakeFiles())
  return (
    <div className="page">
      {children}
      {over && (
        <div className="drop-overlay" aria-hidden="true">
          <p>{t(OVERLAYS[place])}</p>
        </div>
      )}
    </div>
  )
}

/** What may be dropped where one is. */
const OVERLAYS = {
  talk: 'talk:adding.overlay',
  search: 'search:overlay',
  studio: 'studio:overlay',
  inside: 'talk:adding.overlay',
} as const satisfies Record<PlaceName, WordKey>

/** What was dropped: a model, pictures, or the address of a picture. */
interface TakeDropped {
  /** Where a folder is worked on: takes it as it is; null elsewhere. */
  folder: ((transfer: DataTransfer | null) => Promise<void>) | null
  files: (files: DroppedFile[]) => void
  address: (address: string | null) => void
  unreadable: () => void
}

function useTakeDropped(): TakeDropped {
  const takeFiles = useTakeFiles()
  const takeAddress = useTakeAddress()
  const requestOffer = useApp((state) => state.requestOffer)
  const openPanel = useApp((state) => state.openPanel)
  const remark = useApp((state) => state.remark)
  const place = useApp((state) => state.place)
  const search = useApp((state) => state.searchActions)
  const takeFolder = useDroppedFolder()
  return {
    folder: place === 'studio' ? takeFolder : null,
    files(files) {
      if (place === 'search') {
        void search.addFiles(folderName(files), files)
        return
      }
      const dropped = sortDropped(files)
      if (dropped.kind === 'model') {
        openPanel('models')
        void requestOffer({ kind: 'files', files }, { precision: 'q4f16', token: null })
        return
      }
      const { pictures, leftAside } = dropped
      if (pictures.length === 0) {
        remark({ key: 'talk:adding.nothing' })
        return
      }
      const notes: Note[] = []
      if (files.length === MAX_FILES) notes.push({ key: 'talk:adding.tooMany', values: { count: MAX_FILES } })
      takeFiles(
        pictures.map(({ file }) => file),
        { leftAside, notes },
      )
    },
    address(address) {
      if (address === null) remark({ key: 'talk:adding.nothing' })
      else void takeAddress(address, new AbortController().signal)
    },
    unreadable: () => remark({ key: 'talk:adding.unreadable' }),
  }
}

/** What a drag from another page brings; text that is dragged within this one is nobody's picture. */
const ADDRESSES = 'text/uri-list'

function useDrop(take: TakeDropped): boolean {
  const [over, setOver] = useState(false)
  const isOwn = useRef(false)
  useEffect(() => {
    const isOurs = ({ dataTransfer, target }: DragEvent): boolean => {
      // A link of the list that is dragged about in the page.
      if (isOwn.current) return false
      const types = dataTransfer?.types ?? []
      // A field takes a dragged link as text.
      const isField = target instanceof HTMLElement && target.matches('input, textarea')
      return types.includes('Files') || (types.includes(ADDRESSES) && !isField)
    }
    const onOver = (event: DragEvent): void => {
      if (!isOurs(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent): void => {
      if (!isOurs(event)) return
      event.preventDefault()
      setOver(false)
      const { dataTransfer } = event
      const [html, uriList] = ['text/html', ADDRESSES].map((type) => dataTransfer?.getData(type) ?? '')
      if (take.folder !== null) {
        take.folder(dataTransfer).catch(take.unreadable)
        return
      }
      // Entries must be asked for before the handler ends; reading them may take its time.
      droppedFiles(dataTransfer).then((files) => {
        if (files.length > 0) take.files(files)
        else take.address(draggedAddress({ html: html ?? '', uriList: uriList ?? '' }))
      }, take.unreadable)
    }
    const onStart = (): void => void (isOwn.current = true)
    const onEnd = (): void => void (isOwn.current = false)
    document.addEventListener('dragstart', onStart)
    document.addEventListener('dragend', onEnd)
    document.addEventListener('dragover', onOver)
    document.addEventListener('dragleave', onLeave)
    document.addEventListener('drop', onDrop)
    return () => {
      document.removeEventListener('dragstart', onStart)
      document.removeEventListener('dragend', onEnd)
      document.removeEventListener('dragover', onOver)
      document.removeEventListener('dragleave', onLeave)
      document.removeEventListener('drop', onDrop)
    }
  })
  return over
}

function usePaste(takeFiles: (files: File[]) => void): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (!meansFiles(event.clipboardData?.getData('text/plain') ?? '', files.length)) return
      // Or its address would be written into the question as well.
      event.preventDefault()
      takeFiles(files)
    }
    document.addEventListener('paste', onPaste)
    return () => document.removeEventListener('paste', onPaste)
  })
}
