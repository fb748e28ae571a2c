"""Make the documents that the tests of this crate read.

The results are committed; run this only to change them:

    pip install reportlab python-docx pypdf pillow
    python make.py
"""

import io
import zipfile
from pathlib import Path

from docx import Document
from docx.oxml import parse_xml
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

HERE = Path(__file__).parent
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
WIDTH, HEIGHT = A4


def sheet(name, pages=None):
    return canvas.Canvas(str(HERE / name), pagesize=A4, invariant=1)


def lines(page, x, y, texts, size=10, font="Helvetica", leading=None):
    """Draw lines from the top down; return the height below the last one."""
    page.setFont(font, size)
    for text in texts:
        page.drawString(x, y, text)
        y -= leading or size * 1.2
    return y


def columns():
    """Two columns on three pages, page furniture, words cut at line and page ends, a wrapped table."""
    page = sheet("columns.pdf")
    page.setTitle("Microsoft Word - boletin_v3_FINAL.docx")

    def furniture(number):
        lines(page, 60, HEIGHT - 40, ["Boletín interno · Norte"], 8)
        lines(page, WIDTH - 120, 30, [f"Página {number} de 3"], 8)

    furniture(1)
    lines(page, 60, HEIGHT - 80, ["Boletín de primavera"], 20, "Helvetica-Bold")
    y = lines(page, 60, HEIGHT - 120, ["Horario de verano"], 13, "Helvetica-Bold")
    left = [
        "El horario intensivo empieza el 15 de junio y",
        "termina el 15 de septiembre. La responsabi-",
        "lidad de cada turno es de su jefe, que publi-",
        "ca el cuadrante los lunes. En julio abre tam-",
        "bién la sala franco-alemana.",
    ]
    y = lines(page, 60, y - 4, left)
    more = [
        "Quien tenga hijos menores de doce años puede",
        "elegir turno antes que los demás, siempre que",
        "lo pida antes del 1 de mayo por escrito y que",
        "su equipo quede cubierto todas las tardes del",
        "mes que haya elegido, también en la línea",
        "franco-alemana.",
    ]
    lines(page, 60, y - 8, more)
    right = [
        "Las vacaciones se reparten en dos periodos. El",
        "primero dura quince días y el segundo, siete,",
        "salvo acuerdo distinto con la dirección del",
        "centro. Se publican en el tablón.",
    ]
    y = lines(page, 320, HEIGHT - 137, right)
    y = lines(page, 320, y - 12, ["Comedor"], 13, "Helvetica-Bold")
    y = lines(page, 320, y - 4, ["El menú cuesta 4,50 euros. Incluye:"])
    for item in ["primer plato y segundo plato;", "pan, agua y postre, que puede ser fruta del", "café, solo los viernes."]:
        page.drawString(326, y - 4, "•")
        y = lines(page, 338, y - 4, [item] + (["tiempo o yogur;"] if "pan" in item else []))
    lines(page, 320, y - 10, ["El comedor cierra cuando la planta para por man-"])
    page.showPage()

    furniture(2)
    y = lines(page, 60, HEIGHT - 80, ["tenimiento, y entonces se reparten vales de siete euros."])
    y = lines(page, 60, y - 16, ["Teléfonos"], 13, "Helvetica-Bold")
    rows = [
        (["Servicio"], ["Extensión"], ["Horario"]),
        (["Seguridad y control", "de accesos"], ["4410"], ["Todos los días, también", "en festivos"]),
        (["Informática"], ["4455"], ["De 8:00 a 17:30"]),
    ]
    for row in rows:
        for x, cell in zip((60, 220, 330), row):
            lines(page, x, y - 8, cell, 10)
        y -= 8 + 12 * max(len(cell) for cell in row)
    lines(page, 60, y - 20, ["Fuera de ese horario hay un contestador."])
    page.showPage()

    furniture(3)
    lines(page, 60, HEIGHT - 80, ["El próximo boletín sale en otoño."])
    page.showPage()
    page.save()


def awkward():
    """Files that are no text or not readable, each in its own way."""
    picture = Image.new("L", (400, 120), 255)
    ImageDraw.Draw(picture).text((10, 40), "Scanned notice: the gate is closed.", fill=0)
    page = sheet("scanned.pdf")
    page.drawImage(ImageReader(picture), 60, 600)
    page.showPage()
    page.save()

    page = sheet("blank.pdf")
    page.showPage()
    page.showPage()
    page.save()

    page = sheet("rotated.pdf")
    page.setPageRotation(90)
    page.translate(0, HEIGHT)
    page.rotate(-90)
    lines(page, 60, 500, ["This page was laid out sideways and turned by the", "viewer, as spreadsheets often are."])
    page.showPage()
    page.save()

    plain = io.BytesIO()
    secret = canvas.Canvas(plain, pagesize=A4, invariant=1)
    lines(secret, 60, 700, ["For the eyes of the board only."])
    secret.showPage()
    secret.save()
    writer = PdfWriter(PdfReader(plain))
    writer.encrypt("open sesame", algorithm="RC4-128")
    writer.write(str(HERE / "encrypted.pdf"))


def run(text, props=""):
    return f'<w:r><w:rPr>{props}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def report():
    """A Word file with what offices leave in them: changes, hidden text, notes, lists, merged cells."""
    doc = Document()
    doc.core_properties.title = "Informe de obras"
    doc.add_paragraph("Obras del almacén", style="Title")
    doc.add_heading("Calendario", 1)
    changed = (
        f'<w:p xmlns:w="{W}">{run("La obra dura ")}'
        f'<w:del w:id="1" w:author="A"><w:r><w:delText>seis</w:delText></w:r></w:del>'
        f'<w:ins w:id="2" w:author="A">{run("nueve")}</w:ins>{run(" semanas")}'
        f'<w:r><w:footnoteReference w:id="2"/></w:r>{run(" y cuesta ")}'
        f'{run("80.000", "<w:strike/>")}{run("95.000")}{run(" euros.")}'
        f'{run(" CONTRASEÑA OCULTA", "<w:vanish/>")}</w:p>'
    )
    doc.element.body.insert(-1, parse_xml(changed))
    doc.add_heading("Pasos", 2)
    for step in ["Vaciar las estanterías.", "Cortar la corriente.", "Levantar el suelo."]:
        doc.add_paragraph(step, style="List Number")
    doc.add_paragraph("Avisar a los vecinos.", style="List Bullet")
    table = doc.add_table(rows=3, cols=3)
    for row, cells in zip(table.rows, [("Zona", "Semana", "Empresa"), ("Norte", "1", "Aldana"), ("", "2", "Berrio")]):
        for cell, text in zip(row.cells, cells):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    doc.add_paragraph("Después se pinta.")
    box = (
        f'<w:p xmlns:w="{W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r><mc:AlternateContent>'
        f'<mc:Choice Requires="wps"><w:txbxContent><w:p>{run("Recuadro: casco obligatorio.")}</w:p></w:txbxContent></mc:Choice>'
        f'<mc:Fallback><w:txbxContent><w:p>{run("Recuadro: casco obligatorio.")}</w:p></w:txbxContent></mc:Fallback>'
        f"</mc:AlternateContent></w:r></w:p>"
    )
    doc.element.body.insert(-1, parse_xml(box))
    doc.sections[0].header.paragraphs[0].text = "CABECERA DE PÁGINA"
    raw = io.BytesIO()
    doc.save(raw)
    notes = (
        f'<?xml version="1.0" encoding="UTF-8"?><w:footnotes xmlns:w="{W}">'
        f'<w:footnote w:type="separator" w:id="0"><w:p>{run("-----")}</w:p></w:footnote>'
        f'<w:footnote w:id="2"><w:p>{run("Sin contar los festivos &amp; puentes.")}</w:p></w:footnote></w:footnotes>'
    )
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(HERE / "report.docx", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "[Content_Types].xml":
                part = '<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"/>'
                text = text.replace(b"</Types>", part.encode() + b"</Types>")
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 15, 9, 0, 0)), text, zipfile.ZIP_DEFLATED)
        new.writestr(zipfile.ZipInfo("word/footnotes.xml", (2026, 1, 15, 9, 0, 0)), notes, zipfile.ZIP_DEFLATED)


columns()
awkward()
report()
