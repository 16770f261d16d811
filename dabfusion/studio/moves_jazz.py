"""Jazz, ballet, waacking and salsa moves, in the notation of ``studio.moves``."""

from __future__ import annotations

JAZZ = """
grapevine: house street-jazz middle-hip-hop waack, energy 0.5, whole
    lf    1:.4 2:= 3:.72 4:= 5:= 6:.3,-.2 7:home 8:tap
    rf    1:home 2:-.38,-.22,0,15 3:= 4:-.4,.06,0,10,25 5:-.1 6:= 7:.14 8:=
    hips  1:dip 2:.06,-.06,0,-18 3:dip 4:0,-.02,0,14 5:dip 6:-.06,-.06,0,18 7:dip 8:0,-.02,0,-14
    arms  1:side 2:cross_low 3:side 4:clap 5:side 6:cross_low 7:side 8:clap_up
    chest 2:left 3:mid 4:right 6:right 7:mid 8:left
    head  1:left 2:mid 3:left 4:mid 5:right 6:mid 7:right 8:up
pivot turn: street-jazz ballet-jazz waack house, energy 0.7, whole
    turn  1:0 2:-90~ 3:-180~ 4:-360 8:=
    lf    1:.2,.3,0,0 2:.16,.08,.05 3:.16,0,.03 4:wide 5:= 6:.2 7:home 8:=
    rf    1:home 2:.1,0,0,10,25 3:.12,0,.05 4:home 5:.14,.1 6:= 7:.3 8:home
    arms  1:second 2:first 3:first 4:v! 5:= 6:shoulder 7:side 8:down
    hips  1:dip 2:high 3:high 4:dip 5:right 6:left 7:dip 8:mid
    chest 1:right 2:mid 3:mid 4:arch 5:left 6:right 7:in 8:mid
    head  1:mid 4:up 6:right 7:mid
body roll: la-hip-hop street-jazz waack house, energy 0.45
    chest 1:-14 2:26 3:-14 4:26
    hips  1:0,-.04,-.1,0,16 1.5:0,-.08,.02,0,2 2:0,-.12,.12,0,-12 3:0,-.04,-.1,0,16 3.5:0,-.08,.02 4:0,-.12,.12,0,-12
    head  1:up 2:down 3:up 4:nod
    arms  1:.4,-.4,.35 2:.25,-.75,-.05 3:.45,-.3,.4 4:hip
    lf    1:.24
    rf    1:.24
shoulder shimmy: waack street-jazz la-hip-hop, energy 0.4
    la    1:.5,-.5,.2,.6,0,0,12 1.5:.5,-.55,.2,.6,0,0,-8 2:.52,-.4,.25,.6,0,0,14 3:.6,-.3,.3,.6,0,0,-8
          4:.7,-.1,.3,.6,0,0,12
    ra    1:.5,-.5,.2,.6,0,0,-8 1.5:.5,-.45,.2,.6,0,0,12 2:.52,-.5,.25,.6,0,0,-8 3:.6,-.2,.3,.6,0,0,14
          4:.7,-.2,.3,.6,0,0,-8
    chest 1:4,22 2:8,-22 3:12,22 4:-8,-22
    hips  1:.06,-.04,0,-10 2:-.06,-.08,0,10 3:.06,-.14,0,-10,8 4:-.06,-.04,0,10
    head  1:tilt_left 2:tilt_right 3:tilt_left 4:up
    lf    1:.22
    rf    1:.22,.08,0,10,14
side lunge: street-jazz krump waack ballet-jazz, energy 0.7
    lf    1:lunge 2:= 3:home 4:=
    rf    1:.2 2:= 3:= 4:home
    hips  1:.16,-.16,0,0,6,6 2:.22,-.2,0,14,6,4 3:dip 4:mid
    la    1:.9,.3,.1! 2:up 3:shoulder 4:down
    ra    1:.6,-.65,.1 2:.85,-.35,-.1 3:shoulder 4:down
    chest 1:2,8,-16 2:4,20,14 3:in 4:mid
    head  1:left 2:up 3:down 4:mid
waack arms: waack, energy 0.7
    ra    1:.5,.8,.1 1.5:.0,.45,-.05,1.4 2:.85,-.35,.15 2.5:.2,.2,.35,1.2 3:.94,.15,.1 3.5:.1,.45,.05,1.3 4:shoulder
    la    1:shoulder 1.5:.1,.45,.05,1.3 2:.5,.8,.1 2.5:.0,.45,-.05,1.4 3:.85,-.35,.15 3.5:.2,.2,.35,1.2 4:.94,.15,.1
    hips  1:right 2:left 3:right 4:left
    chest 1:0,14,12 2:0,-14,-12 3:-6,14,12 4:-6,-14,-12
    head  1:left 2:right 3:up 4:right
    lf    1:.3,0,0,15,18 2:.3 3:.3,0,0,15,18 4:.3
    rf    1:.3 2:.3,0,0,15,18 3:.3 4:.3,0,0,15,18
arabesque: ballet-jazz, energy 0.6
    lf    1:.1,.3 2:arabesque 3:arabesque 4:.1,-.3,0,20,25
    rf    1:home 2:= 3:= 4:=
    la    1:first 2:.75,.15,.5,.4 3:.6,.5,.5,.5 4:second
    ra    1:first 2:.3,.55,.7,.5 3:fifth 4:second
    hips  1:dip 2:0,0,.06,-10,20 3:0,.01,.06,-10,24 4:dip
    chest 1:6,10 2:14,-8 3:6,-12 4:0,12
    head  1:down 2:up 3:up 4:right
port de bras: ballet-jazz street-jazz, energy 0.3
    la    1:first 2:fifth~ 3:second 4:down
    ra    1:.2,-.85,.1 2:first~ 3:fifth 4:second
    chest 1:8,-8 2:0,8,-10 3:-8,10,-16 4:8
    head  1:down 2:left 3:up 4:down
    lf    1:home 2:.4,.1,0,30,25 3:= 4:home
    rf    1:home
    hips  1:dip 2:right 3:high 4:dip
arms up sway: all, energy 0.4
    arms  1:.3,.85,.1 2:.1,.9,.15 3:.4,.8,.1 4:.05,.85,.2
    hips  1:left 2:right 3:left 4:right
    chest 1:0,0,14 2:0,0,-14 3:0,6,14 4:0,-6,-14
    head  1:tilt_right 2:tilt_left 3:up 4:tilt_left
    lf    1:.24 2:.24,0,0,15,14 3:.24 4:.24,0,0,15,14
    rf    1:.24,0,0,15,14 2:.24 3:.24,0,0,15,14 4:.24
jazz square: street-jazz waack salsa, energy 0.55
    lf    1:cross 2:= 3:.3,-.1 4:=
    rf    1:home 2:.14,-.3 3:= 4:home
    la    1:-.2,-.3,.5 2:.3,-.4,.3 3:.85,.2,.2 4:.3,.8,.2
    ra    1:.7,-.1,.2 2:.3,-.4,.3 3:.85,.2,.2 4:hip
    hips  1:0,-.08,.04,-24 2:0,-.05,-.04,8 3:left 4:right
    chest 1:6,-8 2:2 3:-6,0,8 4:2,10,-10
    head  1:0,-25 2:mid 3:up 4:left
fan arms: street-jazz waack, energy 0.6
    arms  1:cross_low 1.5:.3,.1,.7 2:.2,.9,.2 2.5:.7,.6,.1 3:.95,.0,.1 4:hip
    hips  1:low 2:high 3:left 4:right
    chest 1:in 2:out 3:2,14,10 4:2,-14,-10
    head  1:down 2:up 3:left 4:right
    lf    1:.2 3:wide 4:=
    rf    1:.2 3:= 4:.2,.05,0,15,22
strut: waack street-jazz salsa, energy 0.55
    lf    1:.05,.34 2:.08,.1,0,10,20 3:= 4:home
    rf    1:.12,0,0,10,20 2:.05,.5 3:.06,.2,0,10,20 4:home
    la    1:.35,-.7,-.25 2:.2,-.6,.5 3:hip 4:shoulder
    ra    1:.2,-.6,.5 2:.35,-.7,-.25 3:hip 4:.8,.3,.2
    hips  1:.09,-.04,0,14,0,-8 2:-.09,-.04,0,-14,0,8 3:.1,-.06,0,10,0,-8 4:-.08,-.03,0,-10,0,8
    chest 1:0,-16,6 2:0,16,-6 3:-4,-8,10 4:2,14,-8
    head  1:-4,10 2:-4,-10 3:left 4:right
vogue frames: waack, energy 0.5, sharp
    la    1:head 2:.5,.1,.4 3:face 4:up
    ra    1:face 2:head 3:.75,.5,.15 4:l_front
    hips  1:right 2:left 3:.1,-.14,0,14,4,-6 4:right
    chest 1:2,12,8 2:2,-12,-8 3:10,-10,10 4:-8,0,-10
    head  1:tilt_left 2:right 3:0,40 4:-12,-20
    lf    1:.2,.1,0,15,18 2:.26 3:wide 4:=
    rf    1:.24 2:.2,.1,0,15,18 3:.24 4:.2,.06,0,15,22
overhead whip: waack, energy 0.8
    ra    1:.85,.3,.1 1.5:.3,.85,-.1,1.2 2:.0,.45,-.1,1.4 2.5:.3,.85,.1 3:.9,-.2,.2 4:shoulder
    la    1:shoulder 2:.85,.3,.1 2.5:.3,.85,-.1,1.2 3:.0,.45,-.1,1.4 3.5:.4,.8,.1 4:.85,-.3,.15
    hips  1:right 2:left 3:right 4:low
    chest 1:-4,14,10 2:-4,-14,-10 3:-8,14,10 4:12
    head  1:right 2:left 3:up 4:down
    lf    1:.24,.04,0,15,18 2:wide 3:.3 4:.3
    rf    1:wide 2:.24,.04,0,15,18 3:.3 4:.24
head roll: street-jazz la-hip-hop waack, energy 0.45
    head  1:down 1.5:4,25,-22 2:up 2.5:4,-25,22 3:down 4:up
    chest 1:26 1.5:8,16,-14 2:-14 2.5:8,-16,14 3:30 4:-10
    hips  1:0,-.12,-.1,0,14 1.5:.1,-.06 2:0,-.04,.08,0,-8 2.5:-.1,-.06 3:0,-.14,-.1,0,16 4:0,-.03,.06,0,-6
    arms  1:.25,-.7,.3 2:.5,-.5,.0 3:.1,-.5,.5 4:.25,.7,.2
    lf    1:.3
    rf    1:.3
hip roll: la-hip-hop street-jazz waack salsa, energy 0.4
    hips  1:.12,-.06,0,10,0,-8 1.5:0,-.08,-.1,0,12 2:-.12,-.06,0,-10,0,8 2.5:0,-.05,.1,0,-8 3:.12,-.08,0,10,0,-8
          4:-.12,-.05,0,-10,0,8
    chest 1:2,-8,8 2:2,8,-8 3:8,-8,8 4:-4,8,-10
    la    1:.5,-.4,.3 2:.3,.2,.5 3:.25,.75,.2 4:hip
    ra    1:hip 2:= 3:.25,.75,.2 4:.6,-.1,.3
    head  1:tilt_left 2:tilt_right 3:up 4:tilt_right
    lf    1:.22 2:.22,0,0,15,14 3:.22 4:.22,0,0,15,14
    rf    1:.22,0,0,15,14 2:.22 3:.22,0,0,15,14 4:.22
chasse: ballet-jazz street-jazz, energy 0.75
    lf    1:.45 1.5:.5,.0,.08 2:.6 3:= 4:.3
    rf    1:home 1.5:-.3,.0,.1 2:-.1 3:-.3,-.16,0,20,20 4:.1
    arms  1:second 2:first 3:.4,.75,.2 4:second
    hips  1:dip 1.5:high 2:dip 3:0,-.08,0,-14 4:high
    chest 1:2,8,-8 2:6 3:-6,-12,10 4:0
    head  1:left 2:left 3:up 4:mid
grand battement: ballet-jazz, energy 0.8
    lf    1:.1,-.3,0,25,25 2:.14,.95,.75,20,-20 3:.1,.2,0,30,20 4:home
    rf    1:home 2:= 3:= 4:=
    la    1:first 2:second 3:second 4:down
    ra    1:first 2:fifth 3:second 4:down
    hips  1:dip 2:0,0,-.05,0,-10 3:dip 4:mid
    chest 1:4,-8 2:-4,6 3:4 4:8
    head  1:down 2:up 3:right 4:mid
plie releve: ballet-jazz, energy 0.35
    feet  1:.2,0,0,40 2:.12,0,0,30,38 3:.2,0,0,40 4:.2,0,0,40
    hips  1:0,-.22 2:0,.06 3:0,-.22 4:mid
    arms  1:first 2:fifth 3:second 4:down
    chest 1:4 2:-6 3:2,0,10 4:4,0,-6
    head  1:down 2:up 3:right 4:left
passe: ballet-jazz street-jazz, energy 0.6
    lf    1:.2,.2 2:passe 3:= 4:home
    rf    1:home 2:.1,0,0,20,28 3:= 4:home
    arms  1:second 2:first 3:fifth 4:second
    hips  1:0,-.12 2:0,.04 3:0,.05,0,-14 4:dip
    chest 1:8,8 2:0 3:-6,-12,6 4:4
    head  1:0,20 2:mid 3:up 4:down
reach and contract: ballet-jazz street-jazz, energy 0.5
    la    1:.3,.9,.2 2:fold 3:.9,.2,.3 4:first
    ra    1:second 2:fold 3:.5,-.6,.3 4:first
    chest 1:-10,-10,12 2:34 3:2,22,-18 4:22
    hips  1:left 2:0,-.22,-.08,0,18 3:.14,-.1,0,12,0,-4 4:0,-.12,-.05,0,10
    head  1:up 2:down 3:left 4:down
    lf    1:.3,0,0,20 2:.3 3:lunge 4:.2
    rf    1:.2,0,0,20,18 2:.3 3:.2 4:.2
ballet turn: ballet-jazz, energy 0.65, whole
    turn  1:0 2:20 3:-180~ 4:-360 8:=
    lf    1:.1,.3 2:lunge 3:passe 4:passe 5:.2,-.2 6:lunge 7:= 8:home
    rf    1:home 2:.2 3:.0,0,.03,10,25 4:.0,0,0,10,25 5:home 6:.2 7:= 8:home
    arms  1:first 2:second 3:first 4:fifth 5:second 6:.6,.6,.3 7:.3,.85,.2 8:down
    hips  1:dip 2:low 3:high 4:high 5:low 6:.12,-.1 7:.16,-.12,0,10 8:mid
    chest 1:4 2:4,-14 3:mid 4:-4 5:10 6:2,14,-14 7:-4,20,12 8:mid
    head  1:mid 2:mid 3:mid 4:up 5:down 6:left 7:up 8:mid
salsa basic: salsa, energy 0.55
    lf    1:.1,.3 2:home 3:.16 4:=
    rf    1:home 2:.14,0,0,10,12 3:= 4:.2,.02,0,15,20
    la    1:.2,-.4,.55 2:.25,-.5,.3 3:.35,-.35,.45 4:.3,-.5,.2
    ra    1:.3,-.5,.2 2:.35,-.35,.45 3:.25,-.5,.3 4:.2,-.4,.55
    hips  1:.08,-.05,.02,10,0,-8 2:-.08,-.05,0,-10,0,8 3:.09,-.05,0,8,0,-8 4:-.06,-.03,0,-6,0,6
    chest 1:4,-12,6 2:4,12,-6 3:4,-10,6 4:2,8,-4
    head  1:nod 2:mid 3:tilt_left 4:mid
cumbia: salsa la-hip-hop house, energy 0.55
    lf    1:.16,-.34,0,15,18 2:home 3:.36 4:=
    rf    1:home 2:= 3:.14 4:.05,.0,0,10,20
    la    1:.5,-.1,.3 2:.2,-.4,.4 3:.8,.1,.2 4:.2,-.4,.5
    ra    1:.2,-.4,.5 2:.3,-.4,.3 3:.6,-.2,.3 4:clap
    hips  1:-.04,-.06,-.04,22 2:.04,-.04,.02,-6 3:.1,-.05,0,0,0,-8 4:-.03,-.04,0,8
    chest 1:6,-14 2:2 3:2,6,8 4:8
    head  1:0,20 2:mid 3:tilt_left 4:nod
mambo arms: salsa waack street-jazz, energy 0.6
    la    1:.85,.25,.2 2:-.1,-.3,.45 3:.35,.8,.15 4:hip
    ra    1:-.1,-.3,.45 2:.85,.25,.2 3:hip 4:.35,.8,.15
    lf    1:.34 2:= 3:home 4:=
    rf    1:home 2:.14,0,0,10,14 3:.34 4:.2,0,0,10,14
    hips  1:.1,-.06,0,-8,0,-8 2:-.1,-.06,0,8,0,8 3:-.1,-.06,0,8,0,8 4:.1,-.06,0,-8,0,-8
    chest 1:2,14,6 2:2,-14,-6 3:-4,-10,-10 4:-4,10,10
    head  1:left 2:right 3:up 4:tilt_left
"""
